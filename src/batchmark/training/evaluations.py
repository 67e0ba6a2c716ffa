"""When a trial is evaluated and what is recorded then."""

import math
from dataclasses import dataclass, field

import numpy as np

from batchmark.results.run import Evaluations
from batchmark.training.session import Score, StepMetrics

# A network at a rate that suits it leaves chance level within some dozens of steps.
LEAST_STEPS = 100
LEAST_EVALUATIONS = 2


def evaluation_steps(
    total_steps: int, steps_per_epoch: int, batch_size: int, evaluate_every: int | None
) -> list[int]:
    """The steps after which the validation set is scored; the last step is always one.

    Every `evaluate_every` examples, at the first step that has seen as many; None: every epoch.
    """
    interval = evaluate_every or steps_per_epoch * batch_size
    count = total_steps * batch_size // interval
    marks = {math.ceil(k * interval / batch_size) for k in range(1, count + 1)}
    return sorted({mark for mark in marks if mark <= total_steps} | {total_steps})


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

    def add_evaluation(self, step: int, validation: Score) -> None:
        """Close the interval that ends after `step` steps."""
        losses = np.array(self.losses, np.float64)
        row = {
            "examples": step * self.batch_size,
            "steps": step,
            "epoch": step / self.steps_per_epoch,
            "loss": finite_or_none(losses.mean()),
            "accuracy": self.correct / (len(losses) * self.batch_size),
            "loss_spread": finite_or_none(losses.std()),
            "validation_loss": finite_or_none(validation.loss),
            "validation_accuracy": validation.accuracy,
        }
        for name, value in row.items():
            self.columns[name].append(value)
        self.losses, self.correct = [], 0

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

    def learned_nothing(self, epochs: float, chance: float) -> bool:
        """Whether validation accuracy stayed at `chance` over the last `epochs` epochs.

        And over as many steps and evaluations as are evidence: large batches make few of either.
        """
        steps, accuracies = self.columns["steps"], self.columns["validation_accuracy"]
        window = max(epochs * self.steps_per_epoch, LEAST_STEPS)
        within = sum(step > steps[-1] - window for step in steps)
        recent = accuracies[-max(within, LEAST_EVALUATIONS) :]
        enough = steps[-1] >= window and len(recent) >= LEAST_EVALUATIONS
        return enough and max(recent) <= chance


def finite_or_none(value: float) -> float | None:
    """The value; None, as JSON has it, for NaN and the infinities."""
    return float(value) if np.isfinite(value) else None
