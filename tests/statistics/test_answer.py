"""What the answer says about the common batch sizes."""

import numpy as np
import pytest

from batchmark.statistics.best_batch import BestBatch, costs
from batchmark.statistics.intervals import Test as Ratio


def best_of(sizes: list[int], seconds: list[float]) -> BestBatch:
    cost = np.array(seconds) / min(seconds)
    best = int(np.argmin(seconds))
    return BestBatch(
        sizes=np.array(sizes),
        best=best,
        seconds=np.array(seconds),
        cost=Ratio(cost, cost * 0.9, cost * 1.1, np.zeros(len(sizes))),
        tied=np.arange(len(sizes)) == best,
        low=sizes[best],
        high=sizes[best],
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
        "batch_size": 32, "reached": True, "ratio": 1.0, "low": 1.0, "high": 1.0
    }  # fmt: skip
