"""All claims on worlds in which the truth is known to be for them, against them or absent."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from batchmark.claims import hardware, verdicts
from batchmark.claims.evidence import Evidence, families_of, pairs
from batchmark.claims.hardware import spearman
from batchmark.claims.verdicts import all_claims, claims_table, digest, judge, ledger
from batchmark.statistics.epoch_time import noise
from batchmark.statistics.study_data import main_study, published, studies
from tests.synthetic import DEFAULT_SCALE, example_request
from tests.world import World, make_world

TRUE = [
    *("full-batch-direction", "gradient-spread", "online-zigzag", "half-data-gradient"),
    *("hardware-efficiency", "faster-epochs", "memory-bound", "too-small-fails", "more-epochs"),
    *(
        "time-optimum",
        "l1-sparse",
        "momentum-speed",
        "norm-gradient-flow",
        "rprop-mini-batch",
    ),
]
AXES = [
    *("batch_size", "momentum", "normalization", "optimizer", "weight_decay", "l1", "l2"),
    *("tuned", "train_size"),
]
CLAIMS = all_claims()
VERDICTS = {"supported", "refuted", "inconclusive", "not measured"}


def evidence_of(world: World, published_table: pd.DataFrame | None = None) -> Evidence:
    measured = world.measured
    every = list(studies(measured, noise(measured.timings, measured.times)))
    return Evidence(
        studies=every,
        main=next((one for one in every if one.study.published), None),
        draws=measured.draws,
        magnitudes=measured.magnitudes,
        published=published() if published_table is None else published_table,
    )


@pytest.fixture(scope="module")
def evidence(world: World) -> Evidence:
    return evidence_of(world)


def verdict(name: str, evidence: Evidence) -> str:
    return judge(CLAIMS[name], evidence)["verdict"]


def only_study(evidence: Evidence, name: str) -> Evidence:
    return replace(evidence, studies=[d for d in evidence.studies if d.study.name == name])


def changed(evidence: Evidence, study: str, change: Callable[[pd.DataFrame], None]) -> Evidence:
    """The evidence with the outcomes of one study changed in place."""
    made = []
    for data in evidence.studies:
        axes = [axis for axis in AXES if axis not in data.outcomes]
        outcomes = data.outcomes.merge(data.variants[["variant", *axes]], on="variant")
        if data.study.name == study:
            change(outcomes)
        made.append(replace(data, outcomes=outcomes))
    main = next((one for one in made if one.study.published), None)
    return replace(evidence, studies=made, main=main)


def test_the_table_has_every_claim_with_its_evidence(world: World) -> None:
    measured = world.measured
    every = list(studies(measured, noise(measured.timings, measured.times)))
    study = main_study(world.request)
    table = claims_table(measured, every, study.name if study else None, published())
    assert list(table["id"]) == list(CLAIMS)
    assert set(table["verdict"]) <= VERDICTS
    decided = table[table["verdict"].isin(["supported", "refuted"])]
    assert (decided["n"] > 0).all()
    assert decided[["effect", "low", "high", "margin"]].notna().all(axis=None)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_rule_that_changed_has_the_date_of_its_change(name: str) -> None:
    """If it fails: `python -m batchmark.claims.verdicts` prints the file, with today's date."""
    recorded = ledger().set_index("id").to_dict("index")[name]
    assert recorded["digest"] == digest(CLAIMS[name], recorded["changed"])
    assert date.fromisoformat(recorded["changed"]) <= datetime.now(UTC).date()


def test_the_digest_of_a_rule_is_of_its_margins_helpers_and_date_and_of_no_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(str(hardware.__file__)).read_text(encoding="utf-8")

    def changed(old: str, new: str, date: str = "2026-01-01") -> str:
        assert old in source
        path = tmp_path / "hardware.py"
        path.write_text(source.replace(old, new), encoding="utf-8")
        verdicts._statements.cache_clear()
        with monkeypatch.context() as patch:
            spec = SimpleNamespace(origin=str(path))
            real = verdicts.find_spec
            named = {hardware.__name__: spec}
            patch.setattr(verdicts, "find_spec", lambda name: named.get(name) or real(name))
            return digest(hardware.memory_bound, date)

    same = changed("", "")
    assert changed("peaks > 0", "peaks > 1") != same
    assert changed("MEMORY_GROWTH = 1.02", "MEMORY_GROWTH = 1.03") != same
    assert changed("", "", date="2026-01-02") != same
    assert changed("# Studies share", "# Some studies share") == same
    assert changed("Does the peak memory", "Does peak memory") == same
    assert changed("np.log(1.5)", "np.log(1.6)") == same  # another rule's margin
    verdicts._statements.cache_clear()


def test_false_discoveries_are_counted_over_the_verdicts_of_a_place(world: World) -> None:
    measured = world.measured
    every = list(studies(measured, noise(measured.timings, measured.times)))
    table = claims_table(measured, every, "batch_size", published())
    decided = table[table["verdict"].isin(["supported", "refuted"])]
    assert (decided["p"] < 0.05).all()
    assert (table["p_fdr"].dropna() >= table["p"].dropna()).all()
    assert table.loc[table["verdict"] == "not measured", "p_fdr"].isna().all()
    assert (table["changed"].str.len() == 10).all()


def test_at_the_default_scale_at_least_fifteen_claims_are_measured(tmp_path: Path) -> None:
    small = make_world(tmp_path, example_request(studies=DEFAULT_SCALE))
    found = evidence_of(small)
    verdicts = [judge(one, found)["verdict"] for one in CLAIMS.values()]
    assert sum(one != "not measured" for one in verdicts) >= 15


def test_without_results_nothing_is_measured() -> None:
    nothing = pd.DataFrame(columns=["variant", "moment", "batch_size", "quantile"])
    empty = Evidence([], None, nothing, nothing, published())
    assert {judge(one, empty)["verdict"] for one in CLAIMS.values()} == {"not measured"}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_in_the_synthetic_world_is_supported(name: str, evidence: Evidence) -> None:
    assert verdict(name, evidence) == "supported"


# Its step losses spread by averaging alone, which is no steadier training.
FALSE = ["direction-saturates", "rprop-full-batch", "norm-speed"]


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_in_the_synthetic_world_is_refuted(name: str, evidence: Evidence) -> None:
    assert verdict(name, evidence) == "refuted"


def test_momentum_that_slows_down_is_refuted(evidence: Evidence) -> None:
    def slow(rows: pd.DataFrame) -> None:
        rows.loc[rows["momentum"] == 0.9, "epochs_to_0.98"] *= 5

    only = only_study(evidence, "momentum")
    assert verdict("momentum-speed", only) == "supported"
    assert verdict("momentum-speed", changed(only, "momentum", slow)) == "refuted"


def test_decay_that_widens_the_gap_is_refuted(evidence: Evidence) -> None:
    def wider(rows: pd.DataFrame) -> None:
        decayed = (rows["weight_decay"] > 0) | (rows["l2"] > 0)
        rows["final_test_accuracy"] = 0.9 + 1e-5 * rows["seed"]
        rows["final_train_accuracy"] = np.where(decayed, 0.96, 0.95)

    assert verdict("decay-overfitting", changed(evidence, "regularization", wider)) == "refuted"


def test_decay_that_only_spoils_training_is_refuted(evidence: Evidence) -> None:
    """The gap closes because the training accuracy falls, and the test accuracy with it."""

    def worse(rows: pd.DataFrame) -> None:
        decayed = (rows["weight_decay"] > 0) | (rows["l2"] > 0)
        rows["final_train_accuracy"] = np.where(decayed, 0.90, 0.99)
        rows["final_test_accuracy"] = np.where(decayed, 0.90, 0.95) + 1e-5 * rows["seed"]

    assert verdict("decay-overfitting", changed(evidence, "regularization", worse)) == "refuted"


def test_decay_that_speeds_up_refutes_that_it_does_not(evidence: Evidence) -> None:
    def fast(rows: pd.DataFrame) -> None:
        decayed = (rows["weight_decay"] > 0) | (rows["l2"] > 0)
        rows["epochs_to_0.98"] = np.where(decayed, 3.0, 8.0)

    def nothing(rows: pd.DataFrame) -> None:
        decayed = (rows["weight_decay"] > 0) | (rows["l2"] > 0)
        rows["epochs_to_0.98"] = np.where(decayed, 5.0, 4.0) * (1 + 0.001 * rows["seed"])
        rows["final_train_accuracy"] = np.where(decayed, 0.985, 0.99)

    assert verdict("decay-not-speed", changed(evidence, "regularization", fast)) == "refuted"
    assert verdict("decay-not-speed", changed(evidence, "regularization", nothing)) == "supported"


def test_l2_that_is_as_sparse_as_l1_refutes_the_difference(evidence: Evidence) -> None:
    def sparse(rows: pd.DataFrame) -> None:
        rows.loc[rows["l2"] > 0, "small_weight_share"] = 0.62 + 0.001 * rows["seed"]

    assert verdict("l1-sparse", changed(evidence, "regularization", sparse)) == "refuted"


def test_epochs_that_do_not_grow_refute_more_epochs(evidence: Evidence) -> None:
    def flat(rows: pd.DataFrame) -> None:
        rows["epochs_to_0.98"] = 3.0 + 0.01 * rows["seed"]

    level = changed(changed(evidence, "batch_size", flat), "learning_rate", flat)
    assert verdict("more-epochs", level) == "refuted"


def test_a_best_batch_at_the_end_refutes_an_optimum_in_between(evidence: Evidence) -> None:
    def small_wins(rows: pd.DataFrame) -> None:
        luck = 1 + 0.01 * (np.arange(len(rows)) % 2)
        rows["epochs_to_0.98"] = 0.5 * rows["batch_size"] ** 0.3 * luck
        rows["best_validation_error"] = 0.01 + 0.01 * np.log10(rows["batch_size"])
        rows["best_epoch"] = 1.0

    data = evidence.study("batch_size")
    assert data is not None
    level = replace(evidence, studies=[replace(data, ratios=np.ones_like(data.ratios))])
    won = changed(level, "batch_size", small_wins)
    assert verdict("time-optimum", won) == "refuted"
    assert verdict("accuracy-optimum", won) == "refuted"


def test_an_end_that_misses_is_slower_and_never_faster(evidence: Evidence) -> None:
    """The largest batch misses everywhere; its budget is the least time of all, or the most."""
    data = evidence.study("batch_size")
    assert data is not None

    def miss(rows: pd.DataFrame) -> None:
        rows["epochs_to_0.98"] = 5.0 + 0.01 * rows["seed"]
        rows.loc[rows["batch_size"] == 1, "epochs_to_0.98"] *= 3
        rows.loc[rows["batch_size"] == 5000, "epochs_to_0.98"] = np.inf

    for speed, expected in [(0.01, "inconclusive"), (1.0, "supported")]:
        ratios = np.ones_like(data.ratios)
        ratios[data.variants["batch_size"] == 5000] = speed
        made = replace(evidence, studies=[replace(data, ratios=ratios)])
        assert verdict("time-optimum", changed(made, "batch_size", miss)) == expected


def accuracies(rows: pd.DataFrame) -> None:
    distance = np.log10(rows["batch_size"] / 50) ** 2
    rows["best_validation_error"] = 0.01 + 0.01 * distance + 1e-5 * rows["seed"]
    rows["best_epoch"] = 1.0


def test_accuracies_count_where_training_has_settled(evidence: Evidence) -> None:
    def unsettled(rows: pd.DataFrame) -> None:
        accuracies(rows)
        rows.loc[rows["batch_size"] == 5000, "best_epoch"] = 10.0

    assert verdict("accuracy-optimum", changed(evidence, "batch_size", accuracies)) == "supported"
    still = judge(CLAIMS["accuracy-optimum"], changed(evidence, "batch_size", unsettled))
    assert still["verdict"] == "inconclusive"
    assert json.loads(still["fields"])["warning"] == {"phrase": "warning", "sizes": [5000]}


def test_sizes_that_nobody_reached_stay_in_as_lower_bounds(evidence: Evidence) -> None:
    """Flat, but all sizes from 500 on miss: they can only make the exponent larger."""
    only = only_study(evidence, "batch_size")

    def flat(rows: pd.DataFrame) -> None:
        rows["epochs_to_0.98"] = np.where(rows["batch_size"] < 500, 10.0, np.inf)

    found = judge(CLAIMS["more-epochs"], changed(only, "batch_size", flat))
    assert found["verdict"] == "inconclusive"
    fields = json.loads(found["fields"])
    assert (fields["smallest"], fields["largest"]) == (5, 5000)

    def few(rows: pd.DataFrame) -> None:
        rows["epochs_to_0.98"] = np.where(rows["batch_size"] < 500, 3.0, np.inf)

    assert verdict("more-epochs", changed(only, "batch_size", few)) == "supported"


def test_momentum_whose_control_misses_is_never_refuted(evidence: Evidence) -> None:
    only = only_study(evidence, "momentum")

    def miss(rows: pd.DataFrame, momentum: float) -> None:
        rows["epochs_to_0.98"] = 10.0
        rows.loc[rows["momentum"] == momentum, "epochs_to_0.98"] = np.inf

    for momentum, expected in [(0.0, "inconclusive"), (0.9, "refuted")]:
        found = changed(only, "momentum", lambda rows, m=momentum: miss(rows, m))
        assert verdict("momentum-speed", found) == expected


@pytest.mark.parametrize(("exponent", "expected"), [(-0.3, "supported"), (0.0, "refuted")])
def test_the_spread_of_losses_over_the_batch_size(
    evidence: Evidence, exponent: float, expected: str
) -> None:
    def spread(rows: pd.DataFrame) -> None:
        rows["oscillation"] = rows["batch_size"] ** (exponent + 0.01 * rows["seed"])

    assert verdict("less-oscillation", changed(evidence, "batch_size", spread)) == expected


def test_three_trials_cannot_show_that_small_batches_fail(evidence: Evidence) -> None:
    data = evidence.study("batch_size")
    assert data is not None
    two = data.variants.loc[data.variants["batch_size"] == 2, "variant"].iloc[0]
    kept = data.outcomes[data.outcomes["variant"] != two]
    few = replace(data, outcomes=kept)
    found = judge(CLAIMS["too-small-fails"], replace(evidence, main=few, studies=[few]))
    assert (found["verdict"], found["n"]) == ("inconclusive", 3)
    assert json.loads(found["fields"])["few"] == {"phrase": "few", "fewest": 5}


def settle(large: float) -> Callable[[pd.DataFrame], None]:
    """All converged; the error at batch sizes of 1000 and more is larger by `large`."""

    def change(rows: pd.DataFrame) -> None:
        rows["best_epoch"] = 1.0
        excess = large * (rows["batch_size"] >= 1000) + 1e-4 * rows["seed"]
        rows["final_test_accuracy"] = 0.99 - excess
        rows["final_train_accuracy"] = 0.999 - excess

    return change


@pytest.mark.parametrize(("large", "expected"), [(0.02, "supported"), (0.0, "refuted")])
def test_where_large_batches_end(evidence: Evidence, large: float, expected: str) -> None:
    settled = changed(evidence, "learning_rate", settle(large))
    assert verdict("large-batch-generalization", settled) == expected
    assert verdict("noise-escapes", settled) == expected


def test_runs_that_have_not_settled_say_nothing(evidence: Evidence) -> None:
    assert verdict("large-batch-generalization", evidence) == "not measured"


@pytest.mark.parametrize(
    ("exponent", "expected"), [(0.5, "supported"), (-0.5, "refuted"), (0.0, "inconclusive")]
)
def test_the_best_batch_and_the_data(evidence: Evidence, exponent: float, expected: str) -> None:
    def change(rows: pd.DataFrame) -> None:
        sizes = np.array([8, 32, 128, 512])
        wanted = 32 * (rows["train_size"] / 10_000) ** exponent
        best = sizes[np.abs(np.log(sizes[None] / wanted.to_numpy()[:, None])).argmin(axis=1)]
        rows["epochs_to_0.98"] = np.where(rows["batch_size"] == best, 0.001, 9.0)

    # Sizes by fours cannot tell an exponent of 0 from one of 0.1, however much three seeds agree.
    data = evidence.study("train_size")
    assert data is not None
    level = replace(evidence, studies=[replace(data, ratios=np.ones_like(data.ratios))])
    assert verdict("grows-with-data", changed(level, "train_size", change)) == expected


@pytest.mark.parametrize(("gain", "expected"), [(0.05, "supported"), (0.0, "refuted")])
def test_tuning_the_rate(evidence: Evidence, gain: float, expected: str) -> None:
    def change(rows: pd.DataFrame) -> None:
        sgd = (rows["optimizer"] == "sgd") & ~rows["tuned"].astype(bool)
        rows["best_validation_error"] = 0.02 + gain * sgd + 1e-5 * rows["seed"] * sgd

    data = evidence.study("optimizer")
    assert data is not None
    rates = data.variants["learning_rate"].mask(
        (data.variants["optimizer"] == "sgd") & ~data.variants["tuned"].astype(bool), 0.01
    )
    variants = data.variants.assign(learning_rate=rates)
    level = replace(evidence, studies=[replace(data, variants=variants)])
    assert verdict("optimizer-rates", changed(level, "optimizer", change)) == expected


@pytest.mark.parametrize(("narrow", "expected"), [(0.0, "refuted"), (0.1, "supported")])
def test_initial_scales(evidence: Evidence, narrow: float, expected: str) -> None:
    data = evidence.study("normalization")
    assert data is not None
    scale = data.variants.set_index("variant")["initializer_scale"]

    def change(rows: pd.DataFrame) -> None:
        far = rows["variant"].map(scale) == 3.0
        plain_network = rows["normalization"] == "none"
        rows["best_validation_error"] = 0.02 + narrow * (far & plain_network) + 1e-5 * rows["seed"]

    assert verdict("norm-initialization", changed(evidence, "normalization", change)) == expected


def test_normalization_that_is_faster_and_sturdier(evidence: Evidence) -> None:
    def sturdy(rows: pd.DataFrame) -> None:
        rows["best_validation_error"] = np.where(rows["normalization"] == "none", 0.1, 0.02)
        rows["best_validation_error"] += 1e-4 * rows["seed"]

    assert verdict("norm-speed", changed(evidence, "normalization", sturdy)) == "supported"


def test_the_published_rows_in_and_out_of_order(world: World, evidence: Evidence) -> None:
    family = max(families_of(evidence.main), key=lambda one: len(one.rows))
    values = 1 - family.trials("final_test_accuracy").mean(axis=1)
    columns = ["time_200_epochs_pu", "epoch_at_099", "time_to_099_pu", "best_validation_error",
               "best_test_error", "final_test_error"]  # fmt: skip
    table = pd.DataFrame(np.nan, index=range(len(values)), columns=columns)
    table = table.assign(batch_size=family.sizes)
    same = evidence_of(world, table.assign(final_test_error=values))
    # One row in order does not reproduce a table of six.
    assert verdict("table-rows", same) == "inconclusive"
    ours = {
        "time_200_epochs_pu": np.nanmedian(family.data.ratios[family.rows], axis=1),
        "epoch_at_099": family.data.epochs_to()[family.rows].mean(axis=1),
        "best_validation_error": family.trials("best_validation_error").mean(axis=1),
        "best_test_error": 1 - family.trials("test_accuracy_at_best").mean(axis=1),
    }
    product = ours["epoch_at_099"] * ours["time_200_epochs_pu"]
    whole = table.assign(**ours, time_to_099_pu=product, final_test_error=values)
    assert verdict("table-rows", evidence_of(world, whole)) == "supported"
    turned = evidence_of(world, table.assign(final_test_error=-values))
    assert verdict("table-rows", turned) == "refuted"


def test_pairs_differ_in_what_is_asked_only(evidence: Evidence) -> None:
    found = pairs(
        evidence.studies,
        treated=lambda v: v["momentum"] == 0.9,
        control=lambda v: v["momentum"] == 0,
        differing=("momentum", "nesterov"),
    )
    assert len(found) == 5 + 2 - 2  # momentum study 2 sizes x 2, optimizer study 3 sizes - shared
    for pair in found:
        variants = pair.data.variants
        one, other = variants.iloc[pair.treated], variants.iloc[pair.control]
        assert one["batch_size"] == other["batch_size"]
        assert (one["momentum"], other["momentum"]) == (0.9, 0)


def test_rank_correlation_by_hand() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 15])) == pytest.approx(0.5)
    assert spearman(np.array([1.0, 1, 2]), np.array([3.0, 3, 9])) == pytest.approx(1.0)
    assert np.isnan(spearman(np.array([1.0, 1]), np.array([3.0, 4])))


def test_readers_are_told_which_study_every_claim_rests_on() -> None:
    text = (Path(__file__).parents[2] / "config/README.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row[-2])]
    assert sorted(name for name in named if name in CLAIMS) == sorted(CLAIMS)
