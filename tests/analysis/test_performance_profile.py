from dataclasses import replace

import numpy as np

from batchmark.analysis.families import families, labels
from batchmark.analysis.performance_profile import performance_profile
from tests.analysis.conftest import World


def test_shares_by_hand(world: World) -> None:
    """Two solvers on two batch sizes: 1 and 4 seconds against 2 and 2; one never learns."""
    block = world.block("optimizer")
    ids = [f"v{k}" for k in range(6)]
    solvers = ["sgd", "adam", "adagrad"]
    settings = {
        name: {"optimizer": solvers[k // 2], "batch_size": [32, 512][k % 2]}
        for k, name in enumerate(ids)
    }
    epochs = [1.0, 4.0, 2.0, 2.0, np.inf, np.inf]
    variants = block.variants.iloc[:6].assign(variant=ids, batch_size=[32, 512] * 3)
    outcomes = block.outcomes.iloc[:6].assign(variant=ids, seed=0, **{"epochs_to_0.98": epochs})
    study = block.study.model_copy(update={"settings": settings})
    made = replace(
        block,
        study=study,
        variants=variants,
        outcomes=outcomes,
        ratios=np.ones((6, 2)),
        anchor_seconds=1.0,
    )
    table = performance_profile(made)
    shares = table.pivot_table(index="solver", columns="tau", values="share")
    assert shares.columns.tolist() == [1.0, 2.0]
    assert shares.loc["optimizer=sgd"].tolist() == [0.5, 1.0]
    assert shares.loc["optimizer=adam"].tolist() == [0.5, 1.0]
    assert shares.loc["optimizer=adagrad"].tolist() == [0.0, 0.0]
    assert (table["workloads"] == 2).all()


def test_only_studies_over_optimizers_have_a_profile(world: World) -> None:
    assert performance_profile(world.block("momentum")).empty
    whole = performance_profile(world.block("optimizer"))
    assert whole.groupby("solver")["share"].apply(lambda x: x.is_monotonic_increasing).all()


def test_coinciding_points_belong_to_every_family() -> None:
    setting = {"learning_rate_rule": "fixed|sqrt", "batch_size": 32}
    assert labels(setting) == ["learning_rate_rule=fixed", "learning_rate_rule=sqrt"]


def test_families_differ_in_batch_size_only(world: World) -> None:
    found = dict(families(world.block("learning_rate")))
    sizes = world.block("learning_rate").variants["batch_size"].to_numpy()
    assert len(found) == 4  # three rules and the tuned rate
    assert all(sizes[rows].tolist() == [32, 128, 512, 2048] for rows in found.values())
