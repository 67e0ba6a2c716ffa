"""Whether conclusions hold on other data: what is supported, refuted, and not told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from batchmark.claims.evidence import CLAIMS, Evidence, Finding
from batchmark.claims.verdicts import seen
from tests.claims.worlds import EPOCHS, Array, evidence, on_other_data, study_data, with_trials
from tests.synthetic import grid

# Of six seeds, around a geometric mean of 1; each setting has it in another order.
LUCK = np.array([-0.05, 0.05, -0.02, 0.02, -0.01, 0.01])


def on_both(axis: str, here: Mapping[Any, float], there: Mapping[Any, float]) -> Evidence:
    """Epochs to the target by the value of an axis, on MNIST and on Fashion-MNIST."""
    made = study_data("workload", grid(**{axis: [*here]}), seeds=len(LUCK))
    first = replace(made, study=made.study.model_copy(update={"name": "workload-mnist"}))
    parts = zip((first, on_other_data(made)), (here, there), strict=True)
    return evidence(
        *(with_trials(data, **{EPOCHS: _with_luck([*epochs.values()])}) for data, epochs in parts)
    )


def _with_luck(epochs: Sequence[float]) -> Array:
    rows = [mean * np.exp(np.roll(LUCK, shift)) for shift, mean in enumerate(epochs)]
    return np.array(rows)


def judged(claim: str, given: Evidence) -> Finding:
    found = CLAIMS[claim](given)
    assert found is not None
    return found


def test_a_size_that_is_fastest_on_both_is_a_good_choice() -> None:
    epochs = {10: 40.0, 30: 10.0, 100: 20.0}
    found = judged("workload-batch-size", on_both("batch_size", epochs, epochs))
    assert found.decision.verdict == "supported"
    # The closest rival takes twice as long.
    assert found.decision.effect == pytest.approx(0.5)
    assert (found.fields["first"], found.fields["other"]) == ("MNIST", "Fashion-MNIST")
    assert (found.fields["best"], found.fields["other_best"]) == (30, 30)


def test_a_size_that_costs_twice_on_other_data_is_none() -> None:
    given = on_both("batch_size", {10: 40, 30: 10, 100: 20}, {10: 40, 30: 20, 100: 10})
    found = judged("workload-batch-size", given)
    assert found.decision.verdict == "refuted"
    assert found.decision.effect == pytest.approx(2.0)
    assert (found.fields["best"], found.fields["other_best"]) == (30, 100)


def test_of_optimizers_one_pair_that_changes_its_order_refutes() -> None:
    given = on_both(
        "optimizer",
        {"sgd": 20.0, "adam": 10.0, "rmsprop": 40.0},
        {"sgd": 10.0, "adam": 15.0, "rmsprop": 40.0},
    )
    found = judged("workload-optimizers", given)
    assert found.decision.verdict == "refuted"
    assert [found.fields[name] for name in ("count", "same", "opposite", "untold")] == [3, 2, 1, 0]
    assert (found.fields["faster"], found.fields["slower"]) == (["adam"], ["sgd"])
    assert found.fields["speed"] == pytest.approx(2.0)
    assert found.decision.effect == pytest.approx(10 / 15)


@pytest.mark.parametrize(("here", "there"), [(10.0, 20.0), (20.0, 10.0)])
def test_what_is_not_told_apart_on_one_of_them_neither_holds_nor_flips(
    here: float, there: float
) -> None:
    """Means that are equal but for luck, on the first data set or on the other."""
    given = on_both("normalization", {"none": 10.0, "batch": here}, {"none": 10.0, "batch": there})
    found = judged("workload-normalization", given)
    assert found.decision.verdict == "inconclusive"
    assert found.fields["untold"] == 1


def test_on_one_data_set_nothing_is_measured() -> None:
    given = on_both("batch_size", {10: 4.0, 30: 1.0, 100: 2.0}, {10: 4.0, 30: 1.0, 100: 2.0})
    alone = replace(given, studies=given.studies[:1])
    assert CLAIMS["workload-batch-size"](alone) is None


def test_no_other_claim_sees_results_on_other_data() -> None:
    given = on_both("optimizer", {"sgd": 2.0, "adam": 1.0}, {"sgd": 2.0, "adam": 1.0})
    first, other = given.studies
    assert seen(CLAIMS["momentum-speed"], given).studies == [first]
    assert [*seen(CLAIMS["workload-optimizers"], given).studies] == [first, other]
