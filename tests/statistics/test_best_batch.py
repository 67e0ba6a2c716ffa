from dataclasses import replace

import numpy as np
import pytest

from batchmark.statistics.best_batch import best_batch, best_batches
from batchmark.statistics.study_data import StudyData
from tests.world import World

SIZES = [10, 30, 100, 300, 1000]
OPTIMUM = 2  # index of 100


def simulated(data: StudyData, random: np.random.Generator, seeds: int) -> StudyData:
    """A data whose time to target is least at 100, 20 % more at its neighbours."""
    variants = data.variants.iloc[: len(SIZES)].assign(batch_size=SIZES)
    ids = variants["variant"].tolist()
    epochs = 2 * np.exp(random.normal(0, 0.08, size=(len(SIZES), seeds)))
    cost = np.array([2.0, 1.2, 1.0, 1.2, 2.0])
    rows = data.outcomes.iloc[: len(SIZES) * seeds].copy()
    rows = rows.assign(variant=np.repeat(ids, seeds), seed=np.tile(range(seeds), len(SIZES)))
    rows = rows.assign(**{"epochs_to_0.98": epochs.ravel(), "budget": 50.0, "resolution": 0.001})
    ratios = cost[:, None] * np.exp(random.normal(0, 0.01, size=(len(SIZES), 7)))
    return replace(data, variants=variants, outcomes=rows, ratios=ratios, noise_floor=0.01)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_true_best_is_among_those_not_told_apart(world: World, seeds: int) -> None:
    random, data = np.random.default_rng(seeds), world.data("batch_size")
    kept, narrow = [], []
    for _ in range(200):
        found = best_batch(simulated(data, random, seeds), np.arange(len(SIZES)))
        assert found is not None
        kept.append(found.tied[OPTIMUM] and found.low <= SIZES[OPTIMUM] <= found.high)
        narrow.append(found.low > 10 and found.high < 1000)
    assert np.mean(kept) >= 0.95
    assert np.mean(narrow) >= 0.9


def test_sizes_that_miss_are_never_the_best(world: World) -> None:
    found = best_batch(world.data("batch_size"), np.arange(12))
    assert found is not None
    assert found.sizes.tolist()[:2] == [1, 2]
    assert np.isinf(found.seconds[[0, 1, 11]]).all()
    assert not found.tied[[0, 1, 11]].any()
    assert found.low <= found.sizes[found.best] <= found.high


def test_nothing_reached_is_no_answer(world: World) -> None:
    data = world.data("batch_size")
    assert best_batch(data, np.array([0, 1])) is None


def test_a_conclusion_that_flips_between_targets_says_so(world: World) -> None:
    data = simulated(world.data("batch_size"), np.random.default_rng(0), 5)
    easy = data.outcomes["epochs_to_0.98"] / 2
    # At 0.95 the largest size needs a hundredth of the epochs, at 0.99 no trial arrives.
    largest = data.outcomes["variant"] == data.ids[-1]
    rows = data.outcomes.assign(
        **{"epochs_to_0.95": easy.where(~largest, easy / 100), "epochs_to_0.99": np.inf}
    )
    found = best_batches(replace(data, outcomes=rows, targets=[0.98, 0.95, 0.99]))
    assert found["target"].tolist() == [0.98, 0.95]
    assert found["best_batch_size"].tolist() == [100, 1000]
    assert found["holds"].tolist() == [True, False]
    assert found["on_border"].tolist() == [False, True]
