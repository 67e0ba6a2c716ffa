"""What the answer says about the common batch sizes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.statistics.answer import answer, costs
from batchmark.statistics.best_batch import BestBatch, best_batches
from batchmark.statistics.intervals import Interval
from tests.claims.worlds import EPOCHS, STEP, TARGET, study_data, with_trials
from tests.synthetic import grid


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


SIZES = [1, 10, 100, 1000]
SCALED = {"learning_rate": 0.1, "reference_batch_size": 100}
RULES = [
    {**SCALED, **point} for point in grid(learning_rate_rule=["sqrt", "fixed"], batch_size=SIZES)
]


def answered(settings: list[dict[str, Any]], epochs: ArrayLike) -> dict[str, Any]:
    """The answer where variants take `epochs` with little luck, and an epoch takes a second."""
    made = study_data("batch_size", settings)
    luck = np.exp(0.01 * np.random.default_rng(0).normal(size=(len(made.ids), 5)))
    needed = np.asarray(epochs, float)[:, None] * luck
    readings = {f"confirmed_{TARGET:g}": needed, f"mean_curve_{TARGET:g}": needed}
    made = with_trials(made, **{EPOCHS: needed, STEP: 0.001}, **readings)
    made = replace(made, variants=made.variants.assign(dataset="mnist"))
    request = AnalyzeRequest(machine="local", targets={}, studies=[made.study])
    found = answer([made], request)
    assert set(best_batches(made)["rule"]) == {one["rule"] for one in found["policies"]}
    return found


def test_the_answer_rests_on_the_policy_that_is_fastest_and_names_all() -> None:
    """100 is one variant under both rules; with the root of the size as the rate 10 takes 2 s."""
    #         sqrt 1, 10, 100, 1000; fixed 1, 10, 1000
    found = answered(RULES, [9, 2, 4, 8, np.inf, 5, np.inf])
    assert found["settings"] == {"learning_rate_rule": "sqrt"}
    assert found["policy"]["rule"] == "sqrt"
    assert found["policy"]["learning_rate"] == pytest.approx(0.1 * 0.1**0.5, rel=1e-5)
    assert [one["rule"] for one in found["policies"]] == ["sqrt", "fixed"]
    assert [one["best_batch_size"] for one in found["policies"]] == [10, 100]
    assert [one["sizes"] for one in found["policies"]] == [SIZES, SIZES]
    assert found["reached_at_any_rate"] == {"1": True, "10": True, "100": True, "1000": True}


def test_a_policy_that_is_listed_later_answers_where_it_is_faster() -> None:
    """With the root of the size as the rate 10 takes 2 s, at the fixed one at least 4."""
    found = answered(RULES[4:] + RULES[:4], [np.inf, 5, 4, np.inf, 9, 2, 8])
    assert (found["best_batch_size"], found["policy"]["rule"]) == (10, "sqrt")


def test_luck_does_not_decide_between_policies() -> None:
    """At the fixed rate 10 looks faster by a quarter of a percent, seeds differing by one."""
    found = answered(RULES, [9, 2.005, 4, 8, 9, 2, 8])
    assert found["policy"]["rule"] == "sqrt"
    assert found["policies"][1]["seconds"] < found["policies"][0]["seconds"]


def test_of_equally_fast_policies_the_first_answers() -> None:
    found = answered(RULES, [9, 5, 2, 8, 9, 5, 8])
    assert (found["best_batch_size"], found["policy"]["rule"]) == (100, "sqrt")
    assert answered(RULES[4:] + RULES[:4], [9, 5, 2, 8, 9, 5, 8])["policy"]["rule"] == "fixed"


def test_a_size_misses_the_target_only_where_no_rate_came_to_it() -> None:
    """1000 gets there in 8 s at the one rate, at the other never; the best takes 2 s."""
    found = answered(RULES, [9, 2, 4, np.inf, np.inf, 5, 8])
    assert found["policy"]["rule"] == "sqrt"
    assert found["cost_of"]["1000"]["reached"] is True
    assert found["cost_of"]["1000"]["ratio"] == pytest.approx(4, rel=0.03)
    assert (found["cost_of"]["1000"]["low"], found["cost_of"]["1000"]["high"]) == (None, None)
    nowhere = answered(RULES, [9, 2, 4, np.inf, np.inf, 5, np.inf])
    assert nowhere["cost_of"]["1000"]["reached"] is False
    assert nowhere["reached_at_any_rate"]["1000"] is False


def test_the_answer_counts_what_tuning_took() -> None:
    """Of a tuned family all variants took 18 epochs; a fixed rate takes none."""
    settings = grid(learning_rate=["tuned", 0.1], batch_size=SIZES)
    found = answered(settings, [9, 2, 4, 8, 9, 5, 6, 8])
    assert [one["rule"] for one in found["policies"]] == ["tuned", "fixed"]
    assert [one["tuning_epochs"] for one in found["policies"]] == [18, None]
    assert found["policy"]["tuning_epochs"] == 18
