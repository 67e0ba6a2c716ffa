"""What the answer says about the common batch sizes."""

import numpy as np
import pytest

from batchmark.statistics.best_batch import BestBatch, costs
from batchmark.statistics.intervals import Interval


def best_of(sizes: list[int], seconds: list[float], *missed: int) -> BestBatch:
    """The bounds are 10 % away, and there is no upper one for sizes of which trials `missed`."""
    cost = np.array(seconds) / min(seconds)
    high = np.where(np.isin(sizes, missed), np.inf, cost * 1.1)
    best = int(np.argmin(seconds))
    return BestBatch(
        sizes=np.array(sizes),
        best=best,
        seconds=np.array(seconds),
        cost=Interval(cost, np.maximum(cost * 0.9, 1.0), high),
        tied=np.arange(len(sizes)) == best,
        fastest=(np.arange(len(sizes)) == best).astype(float),
        detectable=1.2,
    )


def test_an_unmeasured_size_beside_the_best_has_no_known_cost() -> None:
    """50 is nearest to 32 and the best; 100 is nearest to 128, 1000 was measured."""
    found = costs(best_of([5, 50, 100, 1000], [9.0, 2.0, 3.0, 8.0]))
    assert set(found) == {"128", "1000"}
    assert found["128"]["batch_size"] == 100
    assert found["128"]["ratio"] == pytest.approx(1.5)


def test_the_best_itself_costs_nothing_more() -> None:
    found = costs(best_of([8, 32], [9.0, 2.0]))
    assert found["32"] == {
        "batch_size": 32, "reached": True, "ratio": 1.0, "low": 1.0, "high": 1.1, "at_least": False
    }  # fmt: skip


def test_a_cost_that_some_trials_never_came_to_has_no_upper_end() -> None:
    found = costs(best_of([8, 128, 1000], [2.0, 3.0, np.inf], 128, 1000))
    assert (found["128"]["at_least"], found["128"]["high"]) == (True, None)
    assert found["128"]["ratio"] == pytest.approx(1.5)
    assert found["1000"]["at_least"] is False
    assert found["1000"]["ratio"] is None
