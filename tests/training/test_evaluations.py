from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from batchmark.contract.requests.budget import evaluation_steps
from batchmark.training.session import Score, StepMetrics
from batchmark.training.trial import History, score_unless_missed


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


@pytest.mark.parametrize(
    ("every", "finely", "expected"),
    [
        (20, 1.0, [4, 8, 20, 30, 35]),  # until the first epoch every 20 examples, then each
        (20, 1.5, [4, 8, 12, 20, 30, 35]),
        (20, 9.0, [4, 8, 12, 16, 20, 24, 28, 32, 35]),  # longer than the whole
        (75, 1.0, [15, 30, 35]),  # longer than an epoch, and than what is fine
        (100, 2.0, [20, 35]),
    ],
)
def test_evaluations_become_rarer(every: int, finely: float, expected: list[int]) -> None:
    """Ten steps of five examples an epoch."""
    assert evaluation_steps(35, 10, 5, every, finely) == expected


@given(
    wrong=arrays(bool, 2500),
    before=arrays(np.float32, 2500, elements=st.floats(0, 9, width=32)),
    target=st.floats(0.01, 0.99),
)
def test_a_miss_is_certain_and_a_hit_is_of_all_images(
    wrong: NDArray[np.bool_], before: NDArray[np.float32], target: float
) -> None:
    """Whatever was wrong the time before: no target is missed or reached that would not be."""
    accuracy = 1 - wrong.sum() / 2500
    score = score_unless_missed(_Right(wrong), before.copy(), target)  # pyrefly: ignore
    if accuracy < target:
        assert score is None
    else:
        assert score is not None
        assert score.accuracy == pytest.approx(accuracy)
        assert score.loss == pytest.approx(1.0)


def test_all_images_are_scored_the_first_time() -> None:
    session = _Right(np.ones(2500, bool))
    losses = np.full(2500, np.inf, np.float32)
    score = score_unless_missed(session, losses, 0.9)  # pyrefly: ignore
    assert (session.scored, score) == (2500, Score(1.0, 0.0))
    assert losses.tolist() == [1.0] * 2500


@pytest.mark.parametrize(
    ("accuracy", "images"),
    [(0.95, 10_000), (0.94, 1000), (0.9, 1000), (0.1, 1000)],
)
def test_a_miss_is_seen_on_the_images_that_were_wrong_before(accuracy: float, images: int) -> None:
    wrong = np.arange(10_000) % 1000 >= 1000 * accuracy
    session = _Right(wrong)
    score_unless_missed(session, wrong.astype(np.float32), 0.95)  # pyrefly: ignore
    assert session.scored == images


class _Right:
    """A session whose model is `wrong` about some images, with a loss of 1 for each."""

    def __init__(self, wrong: NDArray[np.bool_]) -> None:
        self.wrong, self.scored = wrong, 0

    def validate(self, indices: NDArray[np.int32]) -> tuple[Any, NDArray[np.bool_]]:
        self.scored += len(indices)
        return np.ones(len(indices), np.float32), self.wrong[indices]


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
