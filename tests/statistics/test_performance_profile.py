from dataclasses import replace

import numpy as np

from batchmark.statistics.comparisons import performance_profile
from batchmark.statistics.study_data import StudyData, families, labels
from tests.world import World


def optimizers(world: World, epochs: dict[tuple[str, int], float]) -> StudyData:
    """One trial of each (optimizer, batch size), an epoch of which takes a second."""
    data = world.data("optimizer")
    ids = [f"v{k}" for k in range(len(epochs))]
    settings = [{"optimizer": name, "batch_size": size} for name, size in epochs]
    count = len(epochs)
    sizes = [size for _, size in epochs]
    return replace(
        data,
        study=data.study.model_copy(update={"settings": dict(zip(ids, settings, strict=True))}),
        variants=data.variants.iloc[:count].assign(variant=ids, batch_size=sizes),
        outcomes=data.outcomes.iloc[:count].assign(
            variant=ids, seed=0, **{"epochs_to_0.98": list(epochs.values()), "step_to_0.98": 0.0}
        ),
        ratios=np.ones((count, 2)),
        baseline_seconds=1.0,
    )


TWO = {("sgd", 32): 1.0, ("sgd", 512): 4.0, ("adam", 32): 2.0, ("adam", 512): 2.0}


def test_shares_by_hand(world: World) -> None:
    """Two solvers on two batch sizes: 1 and 4 seconds against 2 and 2; one never learns."""
    never = {("adagrad", 32): np.inf, ("adagrad", 512): np.inf}
    table = performance_profile(optimizers(world, TWO | never))
    shares = table.pivot_table(index="solver", columns="tau", values="share")
    assert shares.columns.tolist() == [1.0, 2.0]
    assert dict(zip(shares.index, shares.to_numpy().tolist(), strict=True)) == {
        "optimizer=sgd": [0.5, 1.0],
        "optimizer=adam": [0.5, 1.0],
        "optimizer=adagrad": [0.0, 0.0],
    }
    assert (table["workloads"] == 2).all()


def test_what_was_not_measured_is_no_miss(world: World) -> None:
    """RMSprop, at one size only, takes no part; nor does the size that one of the others lacks."""
    more = {("rmsprop", 32): 0.5, ("sgd", 64): 3.0, ("adam", 128): 3.0}
    table = performance_profile(optimizers(world, TWO | more))
    shares = table.pivot_table(index="solver", columns="tau", values="share")
    assert shares.to_dict("index") == {
        "optimizer=sgd": {1.0: 0.5, 2.0: 1.0},
        "optimizer=adam": {1.0: 0.5, 2.0: 1.0},
    }
    assert (table["workloads"] == 2).all()


def test_an_untimed_miss_is_still_a_miss(world: World) -> None:
    data = optimizers(world, TWO | {("adagrad", 32): np.inf, ("adagrad", 512): np.inf})
    untimed = np.ones((6, 2))
    untimed[4:] = np.nan
    table = performance_profile(replace(data, ratios=untimed))
    assert (table.loc[table["solver"] == "optimizer=adagrad", "share"] == 0).all()
    assert len(set(table["solver"])) == 3


def test_only_studies_over_optimizers_have_a_profile(world: World) -> None:
    assert performance_profile(world.data("momentum")).empty
    whole = performance_profile(world.data("optimizer"))
    assert whole.groupby("solver")["share"].apply(lambda x: x.is_monotonic_increasing).all()


def test_coinciding_points_belong_to_every_family() -> None:
    setting = {"learning_rate_rule": "fixed|sqrt", "batch_size": 32}
    assert labels(setting) == ["learning_rate_rule=fixed", "learning_rate_rule=sqrt"]


def test_families_differ_in_batch_size_only(world: World) -> None:
    found = dict(families(world.data("learning_rate")))
    sizes = world.data("learning_rate").variants["batch_size"].to_numpy()
    assert len(found) == 4  # three rules and the tuned rate
    assert all(sizes[rows].tolist() == [32, 128, 512, 2048] for rows in found.values())
