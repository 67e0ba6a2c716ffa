"""One trial: train, evaluate, stop early when there is nothing left to learn."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchmark.results.run import Status, Trial, TrialClock
from batchmark.training.evaluations import History, evaluation_steps, finite_or_none
from batchmark.training.session import Session
from batchmark.training.summaries import (
    chance_level,
    layer_norms,
    mean_gradient,
    small_weight_share,
)

STEPS_PER_CALL = 4000
IMAGES_PER_CALL = 200_000
ACCURACY_IMAGES = 10_000
GRADIENT_IMAGES = 1_000


@dataclass(frozen=True)
class Schedule:
    """How long a trial trains: units of epochs, and of examples between evaluations."""

    epochs: float
    evaluate_every: int | None
    not_learning_after: float


@dataclass
class Progress:
    """A trial under way: with the session's variables it determines the rest."""

    history: History
    best: list[NDArray[Any]] = field(default_factory=list)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0


Save = Callable[[Session, Progress, bool], None]


def start(session: Session) -> Progress:
    """The progress of a trial that has not begun."""
    return Progress(History(session.steps_per_epoch, session.batches.batch_size))


def run_trial(
    session: Session, schedule: Schedule, progress: Progress, save: Save, label: str
) -> Trial:
    """Train until the schedule ends or the trial diverges or proves not to learn.

    A restored session together with its `progress` continues a trial. `save(session, progress,
    last)` is called after every graph call, before any evaluation due then, so that a longer
    schedule can continue from the last step of a shorter one. `label` begins the log's lines.
    """
    status: Status = "done"
    for mark in _evaluations_left(session, schedule, progress):
        _train_until(mark, total_steps(session, schedule), session, progress, save)
        status = _evaluate(session, schedule, progress)
        _log(label, progress.history)
        if status != "done":
            break
    return _record(session, progress, status)


def total_steps(session: Session, schedule: Schedule) -> int:
    """Training steps of the whole schedule, at least one."""
    return max(1, round(schedule.epochs * session.steps_per_epoch))


def _evaluations_left(session: Session, schedule: Schedule, progress: Progress) -> list[int]:
    batch_size, steps = session.batches.batch_size, total_steps(session, schedule)
    marks = evaluation_steps(steps, session.steps_per_epoch, batch_size, schedule.evaluate_every)
    return [mark for mark in marks if mark > progress.history.last_step()]


def _train_until(mark: int, total: int, session: Session, progress: Progress, save: Save) -> None:
    """Train up to step `mark`, or until a loss is not finite."""
    longest = max(1, min(STEPS_PER_CALL, IMAGES_PER_CALL // session.batches.batch_size))
    while session.step < mark and progress.history.finite():
        begun = time.monotonic()
        progress.history.add_steps(session.train(min(longest, mark - session.step)))
        progress.seconds += time.monotonic() - begun
        save(session, progress, session.step == total)


def _evaluate(session: Session, schedule: Schedule, progress: Progress) -> Status:
    history = progress.history
    finite = history.finite()
    history.add_evaluation(session.step, session.evaluate("validation"))
    if history.improved():
        progress.best = session.state()
    if not finite or history.columns["validation_loss"][-1] is None:
        return "diverged"
    chance = chance_level(session.data.validation.labels.numpy())
    hopeless = history.learned_nothing(schedule.not_learning_after, chance)
    return "not_learning" if hopeless else "done"


def _log(label: str, history: History) -> None:
    epoch, accuracy = history.columns["epoch"][-1], history.columns["validation_accuracy"][-1]
    print(f"{label}: epoch {epoch:g}, validation accuracy {accuracy:.4f}", file=sys.stderr)


def _record(session: Session, progress: Progress, status: Status) -> Trial:
    norms = layer_norms(session.model, mean_gradient(session, GRADIENT_IMAGES))
    some_images = session.data.train.first(ACCURACY_IMAGES)
    final_train_accuracy = session.score(some_images).accuracy
    with session.final_weights():
        share = small_weight_share(session.model)
    final_test_accuracy = session.evaluate("test").accuracy
    accuracies = progress.history.columns["validation_accuracy"]
    best = int(np.argmax(accuracies))
    last = best == len(accuracies) - 1
    return Trial(
        seed=session.batches.seed,
        status=status,
        message=_message(session, status),
        learning_rate=finite_or_none(session.learning_rate),
        evaluations=progress.history.evaluations(),
        best_evaluation=best,
        test_accuracy_at_best=final_test_accuracy if last else _at_best(session, progress),
        final_test_accuracy=final_test_accuracy,
        final_train_accuracy=final_train_accuracy,
        small_weight_share=share,
        gradient_norms=norms,
        clock=TrialClock(started=progress.started, seconds=round(progress.seconds, 3)),
    )


def _at_best(session: Session, progress: Progress) -> float:
    session.restore(progress.best, session.step)
    return session.evaluate("test").accuracy


def _message(session: Session, status: Status) -> str:
    after = f"after epoch {session.step / session.steps_per_epoch:g} ({session.step} steps)"
    messages = {
        "diverged": f"the loss is not finite {after}",
        "not_learning": f"validation accuracy is at chance level {after}",
    }
    return messages.get(status, "")
