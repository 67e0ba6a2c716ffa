import numpy as np
import pytest

from batchmark.training.session import Score, StepMetrics
from batchmark.training.trial import History, evaluation_steps


@pytest.mark.parametrize(
    ("total", "per_epoch", "batch_size", "every", "expected"),
    [
        (30, 10, 5, None, [10, 20, 30]),  # every epoch
        (25, 10, 5, None, [10, 20, 25]),  # the last step is always evaluated
        (10, 10, 5, 20, [4, 8, 10]),  # every 20 examples
        (10, 10, 5, 12, [3, 5, 8, 10]),  # at the first step that has seen as many
        (3, 1, 100, 20, [1, 2, 3]),  # a step that sees more than an interval
    ],
)
def test_evaluation_steps(
    total: int, per_epoch: int, batch_size: int, every: int | None, expected: list[int]
) -> None:
    assert evaluation_steps(total, per_epoch, batch_size, every) == expected


def history(accuracies: list[float], steps: int = 2, epoch: int = 2) -> History:
    """An evaluation every `steps` steps of four examples, of which an `epoch` has that many."""
    made = History(steps_per_epoch=epoch, batch_size=4)
    for number, accuracy in enumerate(accuracies, start=1):
        made.add_steps(StepMetrics(np.array([1, 3], np.float32), np.array([1, 3], np.int32)))
        made.add_evaluation(steps * number, Score(0.5, accuracy))
    return made


def test_an_interval_is_summed_up_in_its_evaluation() -> None:
    record = history([0.25, 0.5]).evaluations()
    assert record.examples == [8, 16]
    assert record.epoch == [1.0, 2.0]
    assert record.loss == [2.0, 2.0]
    assert record.loss_spread == [1.0, 1.0]
    assert record.accuracy == [0.5, 0.5]
    assert record.validation_accuracy == [0.25, 0.5]


def test_losses_that_are_not_finite_are_recorded_as_missing() -> None:
    made = History(steps_per_epoch=1, batch_size=4)
    made.add_steps(StepMetrics(np.array([np.nan], np.float32), np.array([0], np.int32)))
    assert not made.finite()
    made.add_evaluation(1, Score(float("inf"), 0.1))
    record = made.evaluations()
    assert (record.loss, record.loss_spread, record.validation_loss) == ([None], [None], [None])


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.1, 0.1, 0.1], True),
        ([0.1, 0.1], False),
        ([0.1, 0.3, 0.1], False),
        ([0.9, 0.1, 0.1, 0.1], True),
    ],
)
def test_learned_nothing_needs_chance_level_over_all_the_last_epochs(
    accuracies: list[float], expected: bool
) -> None:
    assert history(accuracies, 200, 200).learned_nothing(3, chance=0.12) == expected


@pytest.mark.parametrize(
    ("evaluations", "steps", "epoch", "expected"),
    [
        (4, 10, 10, False),  # four epochs, 40 steps
        (9, 10, 10, False),
        (10, 10, 10, True),  # 100 steps
        (1, 12_500, 50_000, False),  # a quarter of an epoch, but one evaluation
        (2, 12_500, 50_000, True),
    ],
)
def test_learned_nothing_needs_evidence(
    evaluations: int, steps: int, epoch: int, expected: bool
) -> None:
    made = history([0.1] * evaluations, steps, epoch)
    assert made.learned_nothing(0.25, chance=0.12) == expected


def test_learning_within_the_least_steps_is_no_failure() -> None:
    assert not history([0.1, 0.3, *[0.1] * 9], 10, 10).learned_nothing(2, chance=0.12)
    assert history([0.1, 0.3, *[0.1] * 10], 10, 10).learned_nothing(2, chance=0.12)


def test_improved_counts_only_a_new_best() -> None:
    assert history([0.1]).improved()
    assert history([0.1, 0.2]).improved()
    assert not history([0.2, 0.2]).improved()
