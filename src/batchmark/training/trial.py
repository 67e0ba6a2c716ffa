"""One trial: when it is evaluated, how it goes on after a kill, how it ends."""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchmark.contract.files import replacing
from batchmark.contract.requests.budget import evaluation_steps
from batchmark.contract.run import ACCURACY_IMAGES, Evaluations, Status, Trial, TrialClock
from batchmark.training.racing import confirmed
from batchmark.training.session import EVALUATION_BATCH, Score, Session, StepMetrics
from batchmark.training.summaries import (
    chance_level,
    layer_norms,
    mean_gradient,
    small_weight_share,
)

# A network at a rate that suits it leaves chance level within some dozens of steps.
LEAST_STEPS = 100
LEAST_EVALUATIONS = 2


@dataclass
class History:
    """The evaluations of a trial so far, and the step metrics since the last of them."""

    steps_per_epoch: int
    batch_size: int
    columns: dict[str, list] = field(
        default_factory=lambda: {name: [] for name in Evaluations.model_fields}
    )
    losses: list[float] = field(default_factory=list)
    correct: int = 0

    def add_steps(self, metrics: StepMetrics) -> None:
        """Take in the metrics of training steps."""
        self.losses.extend(metrics.losses.tolist())
        self.correct += int(metrics.correct.sum())

    def finite(self) -> bool:
        """Whether all step losses since the last evaluation are numbers."""
        return bool(np.isfinite(self.losses).all())

    def add_evaluation(self, step: int, validation: Score | None) -> None:
        """Close the interval that ends after `step` steps; None: certainly below the target."""
        losses = np.array(self.losses, np.float64)
        row = {
            "examples": step * self.batch_size,
            "steps": step,
            "epoch": step / self.steps_per_epoch,
            "loss": finite_or_none(losses.mean()),
            "accuracy": self.correct / (len(losses) * self.batch_size),
            "loss_spread": finite_or_none(losses.std()),
            "validation_loss": validation and finite_or_none(validation.loss),
            "validation_accuracy": validation and validation.accuracy,
        }
        for name, value in row.items():
            self.columns[name].append(value)
        self.losses, self.correct = [], 0

    def first(self, evaluations: int) -> "History":
        """As it was after so many evaluations."""
        # Without losses: an ending is told from evaluations alone.
        columns = {name: values[:evaluations] for name, values in self.columns.items()}
        return History(self.steps_per_epoch, self.batch_size, columns)

    def evaluations(self) -> Evaluations:
        """The record of the result file."""
        return Evaluations(**self.columns)

    def last_step(self) -> int:
        """The step of the last evaluation, 0 before the first."""
        return (self.columns["steps"] or [0])[-1]

    def improved(self) -> bool:
        """Whether the last evaluation has the best validation accuracy so far."""
        accuracies = self.columns["validation_accuracy"]
        return len(accuracies) == 1 or accuracies[-1] > max(accuracies[:-1])

    def diverged(self) -> bool:
        """Whether the training or validation loss of the last evaluation is not finite."""
        loss, validation, accuracy = (
            self.columns[name][-1] for name in ("loss", "validation_loss", "validation_accuracy")
        )
        return loss is None or (validation is None and accuracy is not None)

    def learned_nothing(self, epochs: float, chance: float) -> bool:
        """Whether validation accuracy stayed at `chance` over the last `epochs` epochs.

        And over as many steps and evaluations as are evidence: large batches make few of either.
        """
        steps, accuracies = self.columns["steps"], self.columns["validation_accuracy"]
        window = max(epochs * self.steps_per_epoch, LEAST_STEPS)
        within = sum(step > steps[-1] - window for step in steps)
        recent = accuracies[-max(within, LEAST_EVALUATIONS) :]
        enough = steps[-1] >= window and len(recent) >= LEAST_EVALUATIONS
        return enough and all(one is not None and one <= chance for one in recent)


def finite_or_none(value: float) -> float | None:
    """The value; None, as JSON has it, for NaN and the infinities."""
    return float(value) if np.isfinite(value) else None


# A norm needs few images; all of them would cost as much as an epoch.
GRADIENT_IMAGES = 1_000


@dataclass(frozen=True)
class Schedule:
    """How long a trial trains: units of epochs, and of examples between evaluations.

    It ends once all `targets` are confirmed, rising validation accuracies; none: with its epochs.
    `scored`: whether the weights that it leaves are judged, on test images and the first
    `train_images` too.
    """

    epochs: float
    evaluate_every: int | None
    evaluate_finely: float | None
    not_learning_after: float
    targets: tuple[float, ...] = ()
    scored: bool = True
    train_images: int = ACCURACY_IMAGES

    def total_steps(self, session: Session) -> int:
        """Training steps of the whole schedule, at least one."""
        return max(1, round(self.epochs * session.steps_per_epoch))

    def marks(self, session: Session) -> list[int]:
        """The steps after which the trial is evaluated."""
        return evaluation_steps(
            self.total_steps(session),
            session.steps_per_epoch,
            session.batches.batch_size,
            self.evaluate_every,
            self.evaluate_finely,
        )


@dataclass
class Progress:
    """A trial under way: with the session's variables it determines the rest.

    `losses`: of the validation images when they were scored last, float32 [images]; empty for a
    trial without targets.
    """

    history: History
    losses: NDArray[np.float32]
    best: list[NDArray[Any]] = field(default_factory=list)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0


Save = Callable[[Session, Progress, bool], None]


def start(session: Session, schedule: Schedule) -> Progress:
    """The progress of a trial that has not begun."""
    images = len(session.data.validation) if schedule.targets else 0
    history = History(session.steps_per_epoch, session.batches.batch_size)
    return Progress(history, np.full(images, np.inf, np.float32))


def run_trial(
    session: Session, schedule: Schedule, progress: Progress, save: Save, label: str
) -> Trial:
    """Train until the schedule ends or the trial reaches its targets, diverges or does not learn.

    A restored session together with its `progress` continues a trial. `save(session, progress,
    last)` is called after every graph call, before any evaluation due then, so that a longer
    schedule can continue from the last step of a shorter one, and where a trial ends early.
    `label` begins the log's lines.
    """
    total = schedule.total_steps(session)
    end = ending(session, schedule, progress.history)
    while end is None and progress.history.last_step() < total:
        _train_until(_next_mark(session, schedule, progress), total, session, progress, save)
        _evaluate(session, schedule, progress)
        _log(label, progress.history)
        # Of a divergence nothing can go on, and at the last step it was saved already.
        end = ending(session, schedule, progress.history)
        if end in ("done", "not_learning") and session.step < total:
            save(session, progress, True)
    return _record(session, schedule, progress, end or "done")


def ending(session: Session, schedule: Schedule, history: History) -> Status | None:
    """How the trial ends with its last evaluation; None: it does not, unless its time is up."""
    if not history.last_step():
        return None
    if history.diverged():
        return "diverged"
    chance = chance_level(session.data.validation.labels.numpy())
    if history.learned_nothing(schedule.not_learning_after, chance):
        return "not_learning"
    # A trial without targets has a budget of epochs and ends with it.
    reached = schedule.targets and not _open_targets(schedule, history)
    return "done" if reached else None


def _open_targets(schedule: Schedule, history: History) -> list[float]:
    accuracies = history.columns["validation_accuracy"]
    return [target for target in schedule.targets if not confirmed(accuracies, target)]


def _next_mark(session: Session, schedule: Schedule, progress: Progress) -> int:
    done = progress.history.last_step()
    return next(mark for mark in schedule.marks(session) if mark > done)


def _train_until(mark: int, total: int, session: Session, progress: Progress, save: Save) -> None:
    """Train up to step `mark`, or until a loss is not finite."""
    while session.step < mark and progress.history.finite():
        begun = time.monotonic()
        progress.history.add_steps(session.train(min(session.longest_call, mark - session.step)))
        progress.seconds += time.monotonic() - begun
        save(session, progress, session.step == total)


def _evaluate(session: Session, schedule: Schedule, progress: Progress) -> None:
    history = progress.history
    if schedule.targets:
        # Targets rise: below the lowest that is open no other can be reached.
        lowest, *_ = _open_targets(schedule, history)
        history.add_evaluation(session.step, score_unless_missed(session, progress.losses, lowest))
        return
    history.add_evaluation(session.step, session.evaluate("validation"))
    if history.improved():
        progress.best = session.state()


def score_unless_missed(
    session: Session, losses: NDArray[np.float32], target: float
) -> Score | None:
    """The score of the whole validation set; None as soon as `target` cannot be reached any more.

    That is certain once too many images are wrong. Those with the largest `losses` when they were
    scored last come first, so that a miss takes a few of them; `losses` is brought up to date.
    The first time, when they are infinite, all are scored.
    """
    images, wrong, known = len(losses), 0, bool(np.isfinite(losses).all())
    # Stable: equal losses, as at first, come in one order on every machine.
    order = np.argsort(-losses, kind="stable").astype(np.int32)
    for start_ in range(0, images, EVALUATION_BATCH):
        part = order[start_ : start_ + EVALUATION_BATCH]
        losses[part], missed = session.validate(part)
        wrong += int(missed.sum())
        # Even if all images not yet looked at were right.
        if known and (images - wrong) / images < target:
            return None
    return Score(float(losses.mean(dtype=np.float64)), (images - wrong) / images)


def _log(label: str, history: History) -> None:
    epoch, accuracy = history.columns["epoch"][-1], history.columns["validation_accuracy"][-1]
    scored = "below the target" if accuracy is None else f"{accuracy:.4f}"
    print(f"{label}: epoch {epoch:g}, validation accuracy {scored}", file=sys.stderr)


UNSCORED: dict[str, Any] = {
    "best_evaluation": None,
    "test_accuracy_at_best": None,
    "final_test_accuracy": None,
    "final_train_accuracy": None,
    "small_weight_share": None,
    "gradient_norms": {},
}
"""Of a trial without scores but its evaluations."""


def _record(session: Session, schedule: Schedule, progress: Progress, status: Status) -> Trial:
    return Trial(
        seed=session.batches.seed,
        status=status,
        message=_message(session, status),
        learning_rate=finite_or_none(session.learning_rate),
        targets=list(schedule.targets),
        evaluations=progress.history.evaluations(),
        clock=TrialClock(started=progress.started, seconds=round(progress.seconds, 3)),
        **(_scores(session, schedule, progress) if schedule.scored else UNSCORED),
    )


def _scores(session: Session, schedule: Schedule, progress: Progress) -> dict[str, Any]:
    """What is known of the weights at the end and at the best evaluation."""
    norms = layer_norms(session.model, mean_gradient(session, GRADIENT_IMAGES))
    some_images = session.data.train.first(schedule.train_images)
    final_train_accuracy = session.score(some_images).accuracy
    with session.final_weights():
        share = small_weight_share(session.model)
    final_test_accuracy = session.evaluate("test").accuracy
    # The first of several that are equally good.
    accuracies = progress.history.columns["validation_accuracy"]
    best = int(np.argmax(accuracies))
    last = best == len(accuracies) - 1
    return {
        "best_evaluation": best,
        "test_accuracy_at_best": final_test_accuracy if last else _at_best(session, progress),
        "final_test_accuracy": final_test_accuracy,
        "final_train_accuracy": final_train_accuracy,
        "small_weight_share": share,
        "gradient_norms": norms,
    }


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


def key_of(facts: dict[str, Any]) -> str:
    """A digest of everything that a checkpoint's weights depend on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass
class Checkpoint:
    """One trial's file. It is read only when its `key` fits, and saved every `seconds`."""

    path: Path
    key: str
    seconds: float
    _saved: float = field(default_factory=time.monotonic)

    def save(self, session: Session, progress: Progress, last: bool) -> None:
        """Write the state if it is the `last` of a trial or the previous copy is old enough."""
        if not last and time.monotonic() - self._saved < self.seconds:
            return
        with replacing(self.path) as scratch:
            np.savez(scratch, **_packed(self.key, session, progress), allow_pickle=False)
        self._saved = time.monotonic()

    def load(self, session: Session, schedule: Schedule) -> Progress | None:
        """Restore the session and return its progress; None when there is nothing to use.

        What a killed write left behind is removed. A file of another key, or of what `schedule`
        would not have come to, is passed over; an unreadable one too, with a warning on stderr.
        """
        for leftover in self.path.parent.glob(f".{self.path.name}.*"):
            leftover.unlink()
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
            # The whole file is read before: damage further on must not surface half way through.
            facts = json.loads(str(arrays["facts"]))
            if facts["key"] != self.key:
                return None
            progress = _unpacked(facts, arrays, session)
            if not _on_the_way(progress.history, facts["step"], session, schedule):
                return None
            # Last, and all or nothing: after a fault the trial starts over from what is there.
            session.restore(_numbered(arrays, "state"), facts["step"])
            return progress
        except Exception as error:  # zipfile, zlib, struct and json all have their own for damage
            reason = f"{type(error).__name__}: {error}"
            print(f"warning: {self.path} is no usable checkpoint ({reason}); starting over.",
                  file=sys.stderr)  # fmt: skip
            return None


def _packed(key: str, session: Session, progress: Progress) -> dict[str, Any]:
    history = progress.history
    facts = {
        "key": key,
        "step": session.step,
        "columns": history.columns,
        "correct": history.correct,
        "started": progress.started,
        "seconds": progress.seconds,
    }
    state = {f"state{i}": array for i, array in enumerate(session.state())}
    best = {f"best{i}": array for i, array in enumerate(progress.best)}
    arrays = {"losses": np.array(history.losses), "validation": progress.losses}
    return {"facts": json.dumps(facts), **arrays, **state, **best}


def _on_the_way(history: History, step: int, session: Session, schedule: Schedule) -> bool:
    """Whether the schedule leads to this history after `step` steps, and no earlier to an end."""
    due = [mark for mark in schedule.marks(session) if mark <= step]
    evaluated = history.columns["steps"]
    # A file is written before an evaluation, or after the one that ends the trial.
    if evaluated not in (due, [mark for mark in due if mark < step]):
        return False
    earlier = (history.first(count) for count in range(1, len(evaluated)))
    ended = any(ending(session, schedule, past) is not None for past in earlier)
    return step <= schedule.total_steps(session) and not ended


def _unpacked(facts: dict[str, Any], arrays: dict[str, Any], session: Session) -> Progress:
    history = History(
        session.steps_per_epoch,
        session.batches.batch_size,
        facts["columns"],
        arrays["losses"].tolist(),
        facts["correct"],
    )
    best = _numbered(arrays, "best")
    return Progress(history, arrays["validation"], best, facts["started"], facts["seconds"])


def _numbered(arrays: dict[str, Any], name: str) -> list[Any]:
    count = sum(key.startswith(name) for key in arrays)
    return [arrays[f"{name}{number}"] for number in range(count)]
