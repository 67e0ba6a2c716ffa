import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Arguments, variant_id
from batchmark.plan.grid import LARGEST_STUDY, axes, matches, points
from batchmark.plan.schema import StudyConfig
from batchmark.plan.studies import build_study

SIZES = st.lists(st.integers(1, 10_000), min_size=1, max_size=6, unique=True)
RATES = st.lists(
    st.floats(1e-6, 10, allow_nan=False, allow_infinity=False), min_size=1, max_size=4, unique=True
)


def _study(*grids: dict, **more: object) -> StudyConfig:
    content = {"question": {"en": "?"}, "grids": list(grids), "baseline": {}, **more}
    return StudyConfig.model_validate(content)


def test_union_of_products_with_exclusions() -> None:
    study = _study(
        {"batch_size": [1, 2], "learning_rate": [0.1, 0.2]},
        {"batch_size": 8},
        exclude=[{"batch_size": 2, "learning_rate": 0.2}],
    )
    written = [point.written for point in points(study, "s")]
    assert written == [
        {"batch_size": 1, "learning_rate": 0.1},
        {"batch_size": 1, "learning_rate": 0.2},
        {"batch_size": 2, "learning_rate": 0.1},
        {"batch_size": 8},
    ]
    assert axes(written) == ["batch_size", "learning_rate"]


@pytest.mark.timeout(30)
def test_size_and_repetition_of_a_large_study_are_told_at_once() -> None:
    rates = [rate / 1e6 for rate in range(1, LARGEST_STUDY)]
    with pytest.raises(UserError, match=r"grids\[0\]\.learning_rate: the value 0\.5 appears twice"):
        points(_study({"learning_rate": [0.5, *rates[:-1], 0.5]}), "s")
    with pytest.raises(UserError, match=r"grids\[1\]: 199998 variants; at most 100000"):
        points(_study({"learning_rate": rates}, {"l1": rates}), "s")


@pytest.mark.parametrize("twice", [{"units": 4, "depth": 2}, [1, 2], "x"])
def test_a_repeated_value_of_any_kind_is_found(twice: object) -> None:
    again = dict(reversed(twice.items())) if isinstance(twice, dict) else twice
    with pytest.raises(UserError, match="appears twice"):
        points(_study({"model_arguments": [{"units": 8}, twice, again]}), "s")


def test_defaults_count_when_matching() -> None:
    assert matches({"batch_size": 8}, {"momentum": 0.0})
    assert not matches({"batch_size": 8}, {"momentum": 0.9})
    assert not matches({"batch_size": 8}, {"learning_rate_rule": "sqrt"})
    assert matches({"batch_size": 8}, {"learning_rate_rule": "fixed"})


def test_points_that_coincide_are_one_variant_with_joined_axis_values() -> None:
    rules = {"learning_rate_rule": ["fixed", "linear"], "reference_batch_size": 100}
    grid = {**rules, "learning_rate": 0.1, "batch_size": [100, 200]}
    study = _study(grid, baseline={"batch_size": 100})
    built = build_study("rates", study, "s")
    labels = sorted(values["learning_rate_rule"] for values in built.settings.values())
    assert labels == ["fixed", "fixed|linear", "linear"]
    assert built.settings[built.baseline] == {
        "learning_rate_rule": "fixed|linear",
        "batch_size": 100,
    }


@given(sizes=SIZES, rates=RATES)
def test_ids_are_unique_stable_and_safe(sizes: list[int], rates: list[float]) -> None:
    forward = _study({"batch_size": sizes, "learning_rate": rates})
    backward = _study({"learning_rate": rates[::-1], "batch_size": sizes[::-1]})
    ids = [point.variant.id for point in points(forward, "s")]
    assert len(set(ids)) == len(sizes) * len(rates)
    assert set(ids) == {point.variant.id for point in points(backward, "s")}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name) for name in ids)


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=300),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
def test_ids_of_own_code_are_safe_file_names(name: str, arguments: Arguments) -> None:
    from batchmark.contract.hyperparameters import Hyperparameters  # noqa: PLC0415

    chosen = Hyperparameters(model=f"my.models:{name}", model_arguments=arguments)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", variant_id(chosen))


# The SHA-256 of {"learning_rate":0.071109} and of {"learning_rate":0.131759} begin with 76f875b2.
COLLISION = [0.071109, 0.131759]


def test_two_settings_may_not_share_an_id() -> None:
    study = _study({"learning_rate": COLLISION}, baseline={"learning_rate": COLLISION[0]})
    with pytest.raises(UserError, match="s: two settings have the id lenet5-sgd-bs32-76f875b2"):
        build_study("rates", study, "s")


def test_the_id_of_a_known_variant_never_changes() -> None:
    # Results on users' disks are found by it: sha256 of '{"batch_size":100}' begins d8dc7f32.
    variant = points(_study({"batch_size": 100}), "s")[0].variant
    import hashlib  # noqa: PLC0415

    expected = hashlib.sha256(b'{"batch_size":100}').hexdigest()[:8]
    assert variant.id == f"lenet5-sgd-bs100-{expected}"


@pytest.mark.parametrize(
    ("rule", "batch_size", "expected"),
    [("fixed", 400, 0.1), ("sqrt", 400, 0.2), ("linear", 400, 0.4), ("linear", 50, 0.05)],
)
def test_learning_rate_rules(rule: str, batch_size: int, expected: float) -> None:
    grid = {"batch_size": batch_size, "learning_rate": 0.1}
    study = _study({**grid, "learning_rate_rule": rule, "reference_batch_size": 100})
    assert points(study, "s")[0].variant.hyperparameters.learning_rate == pytest.approx(expected)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("sgd", 0.01),
        ("adam", 0.001),
        ("adadelta", 0.001),
        ("rprop", 0.1),
        ("ScheduleFreeAdamW", 0.0025),
        ("mypackage.optimizers:Own", "default"),
    ],
)
def test_default_learning_rates_are_the_optimizers_own(
    optimizer: str, expected: float | str
) -> None:
    study = _study({"optimizer": optimizer, "learning_rate": "default"})
    assert points(study, "s")[0].variant.hyperparameters.learning_rate == expected


def test_product_has_every_combination_once() -> None:
    study = _study({"batch_size": [1, 2, 3], "momentum": [0.0, 0.5], "nesterov": False})
    chosen = [point.variant.hyperparameters for point in points(study, "s")]
    found = [(each.batch_size, each.momentum) for each in chosen]
    assert found == list(itertools.product([1, 2, 3], [0.0, 0.5]))


@pytest.mark.parametrize(
    ("published", "sizes"),
    [(False, []), (True, [10, 100, 1000]), ({"learning_rate_rule": "fixed"}, [100, 1000])],
)
def test_which_variants_redo_the_published_table(published: object, sizes: list[int]) -> None:
    """100 coincides under both rules; 10 is at the rule sqrt only, 1000 at the fixed rate only."""
    both = {"reference_batch_size": 100, "learning_rate": 0.1}
    grids = [
        {**both, "learning_rate_rule": "sqrt", "batch_size": [10, 100]},
        {**both, "learning_rate_rule": "fixed", "batch_size": [100, 1000]},
    ]
    study = _study(*grids, baseline={"batch_size": 10}, published=published)
    built = build_study("sizes", study, "s")
    found = [built.variants[each].hyperparameters.batch_size for each in built.published]
    assert found == sizes
