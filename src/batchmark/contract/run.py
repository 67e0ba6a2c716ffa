"""`results/{machine}/{device}/runs/{variant}.json`: one variant, all its trials, facts only."""

from typing import Literal

from pydantic import Field, model_validator

from batchmark.contract.devices import Device
from batchmark.contract.record import (
    Count,
    DatasetFacts,
    Details,
    Record,
    ResultFile,
    ResultWarning,
    Share,
    Slug,
)
from batchmark.contract.requests.message import RecordedVariant

# Not learning: at chance level. Oversized: a batch of more images than there are.
Status = Literal["done", "diverged", "not_learning", "oversized", "failed"]

# Of the training set, the first so many give `final_train_accuracy`.
ACCURACY_IMAGES = 10_000


class Evaluations(Record):
    """One entry per evaluation, in order. Lists have one common length.

    `examples`, `steps`: trained so far. `epoch`: steps / steps per epoch. `loss`, `accuracy`:
    means over the training steps since the last evaluation (`loss` includes penalties).
    `loss_spread`: standard deviation of those step losses. Losses are null when not finite.
    `validation_accuracy` and its loss are null where the target was certainly missed before all
    images were scored (trials with `targets` only).
    """

    examples: list[Count]
    steps: list[Count]
    epoch: list[float]
    loss: list[float | None]
    accuracy: list[Share]
    loss_spread: list[float | None]
    validation_loss: list[float | None]
    validation_accuracy: list[Share | None]

    @model_validator(mode="after")
    def _same_length(self) -> "Evaluations":
        columns = [getattr(self, name) for name in type(self).model_fields]
        if len({len(column) for column in columns}) > 1:
            raise ValueError("the columns differ in length")
        if self.examples != sorted(set(self.examples)):
            raise ValueError("examples do not increase")
        return self


class TrialClock(Record):
    """When a trial ran. Never part of a comparison between runs."""

    started: str
    seconds: float


class Trial(Record):
    """One seed. Accuracies are null when the trial has no such evaluation.

    `targets`: validation accuracies whose confirmation ends the trial, two evaluations in a row
    each; it is asked for nothing else. Empty: it trains its whole budget.
    `learning_rate`: the one used, a schedule's first; null when none was or when float32 cannot
    hold it.
    """

    seed: Count
    status: Status
    message: str = ""
    learning_rate: float | None
    targets: list[Share] = Field(default_factory=list)
    evaluations: Evaluations
    best_evaluation: int | None
    test_accuracy_at_best: Share | None
    final_test_accuracy: Share | None
    final_train_accuracy: Share | None
    small_weight_share: Share | None
    gradient_norms: dict[str, float | None]
    clock: TrialClock

    @model_validator(mode="after")
    def _best_is_an_evaluation(self) -> "Trial":
        if self.best_evaluation is not None and self.best_evaluation >= len(self.evaluations.epoch):
            raise ValueError("best_evaluation lies behind the last evaluation")
        return self


class Tuning(Record):
    """How a `learning_rate: tuned` run chose its rate: one seed, best validation accuracy.

    `epochs` of those left last; `trained_epochs` and `validation_accuracies` of each rate.
    """

    seed: Count
    epochs: float
    learning_rates: list[float]
    trained_epochs: list[float]
    validation_accuracies: list[Share]
    chosen: float
    on_border: bool


class Budget(Record):
    """What the run was allowed: see `study.config` for the meaning of each.

    `validation_size` None: as the data set's. `test_size`: so many test images and at most as many
    training images are scored at the end; None: all and ACCURACY_IMAGES.
    """

    epochs: float
    evaluate_every: Count
    evaluate_finely: float | None = None
    steps_per_epoch: Count
    examples_per_epoch: Count
    train_size: Count
    batch_size: Count
    validation_size: Count | None = None
    test_size: Count | None = None
    not_learning_after: float
    parameters: Count


class Race(Record):
    """How seeds were added: at least and at most how many, and until which precision."""

    trials: Count
    trials_at_most: Count
    precision: float
    targets: list[Share]


class RunResult(ResultFile):
    """A whole run file. `warnings`: what the author of the model may not have meant."""

    schema_version: Literal["batchmark.run/3"] = "batchmark.run/3"
    variant: RecordedVariant
    machine: Slug
    device: Device
    dataset: DatasetFacts
    budget: Budget
    environment: Details
    tuning: Tuning | None = None
    race: Race | None = None
    trials: list[Trial]
    warnings: list[ResultWarning] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_trial_a_seed(self) -> "RunResult":
        seeds = [trial.seed for trial in self.trials]
        if len(seeds) != len(set(seeds)):
            raise ValueError("a seed appears in two trials")
        return self
