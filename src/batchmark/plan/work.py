"""What jobs cost, and what they reserve on a cluster for it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import MNIST_TRAINING_IMAGES, Budget
from batchmark.plan.schema import ProbingConfig, TimingConfig, TuningConfig

# Overhead of a step in images: at this batch size half of the time is overhead.
_STEP_OVERHEAD = 6.0
# Work of a training image relative to LeNet-5, by the number of multiplications.
MODEL_COSTS = {"lenet5": 1.0, "lenet_theano": 4.0, "mlp": 0.5}


def relative_cost(chosen: Hyperparameters, budget: Budget, tuning: TuningConfig) -> float:
    """Work of a run in thousands of LeNet-5 training images without step overhead."""
    batch_size, images = batch_and_images(chosen, MNIST_TRAINING_IMAGES)
    per_image = MODEL_COSTS.get(chosen.model, 1.0) * (1 + _STEP_OVERHEAD / batch_size)
    epochs = budget.trials * budget.epochs + tuning_epochs(chosen, tuning)
    return epochs * images * per_image / 1000


def tuning_epochs(chosen: Hyperparameters, tuning: TuningConfig) -> float:
    """Epochs that a run trains beside its trials, to choose its learning rate."""
    return tuning.points * tuning.epochs if chosen.learning_rate == "tuned" else 0.0


@dataclass(frozen=True)
class DataSize:
    """The numbers of training and validation images, and whether they are the embedded sample's."""

    images: int
    validation: int
    is_sample: bool = False


MNIST = DataSize(MNIST_TRAINING_IMAGES, 10_000)


def visit_seconds(timing: TimingConfig, step_seconds: float) -> float:
    """How long a visit of a timing session takes when a step takes `step_seconds`."""
    steps = timing.min_steps * step_seconds
    most = max(timing.max_seconds, step_seconds) if timing.max_seconds else steps
    return max(timing.min_seconds, min(steps, most))


def batch_and_images(chosen: Hyperparameters, available: int) -> tuple[int, int]:
    """Batch size and training images of a variant when the dataset has `available` images."""
    images = available if chosen.train_size == "full" else min(chosen.train_size, available)
    batch_size = images if chosen.batch_size == "full" else min(chosen.batch_size, images)
    return batch_size, images


# A slow core trains 1,000 images a second, a tenth of a current one.
_SECONDS_PER_COST = 1.0
_START_MINUTES = 10
# Snakemake twice, TensorFlow and MNIST as floats; then activations and their gradients.
_START_MEGABYTES = 1500
_MEGABYTES_PER_IMAGE = 0.3


@dataclass(frozen=True)
class Reservation:
    """Minutes and megabytes (10^6 bytes) of a job's first attempt."""

    minutes: int
    megabytes: int

    def runtime(self, attempt: int) -> int:
        """Minutes that the given attempt, counted from 1, may take."""
        return self.minutes * 2 ** (attempt - 1)

    def mem_mb(self, attempt: int) -> int:
        """Megabytes that the given attempt, counted from 1, may take."""
        return self.megabytes * 2 ** (attempt - 1)


def for_run(chosen: Hyperparameters, budget: Budget, tuning: TuningConfig) -> Reservation:
    """All trials of a variant, one after the other on one core."""
    return _reservation(relative_cost(chosen, budget, tuning), [_batch_size(chosen)])


def for_probe(
    chosen: Hyperparameters, budget: Budget, tuning: TuningConfig, probing: ProbingConfig
) -> Reservation:
    """A run whose gradients are drawn at three moments."""
    drawn = 3 * probing.trials * probing.draws * sum(probing.batch_sizes) / 1000
    cost = relative_cost(chosen, budget, tuning) + drawn
    return _reservation(cost, [_batch_size(chosen), *probing.batch_sizes])


def for_session(
    subjects: Iterable[Hyperparameters], settings: int, timing: TimingConfig
) -> Reservation:
    """A timing session: every subject at so many thread settings, traced once, timed in rounds."""
    sizes = [_batch_size(subject) for subject in subjects]
    seconds = [
        20 + timing.rounds * max(2 * timing.min_seconds, visit_seconds(timing, size / 1000))
        for size in sizes
    ]
    return _reservation(settings * sum(seconds) / _SECONDS_PER_COST, sizes)


def _reservation(cost: float, batch_sizes: Iterable[int]) -> Reservation:
    return Reservation(
        minutes=_START_MINUTES + math.ceil(cost * _SECONDS_PER_COST / 60),
        megabytes=_START_MEGABYTES + math.ceil(_MEGABYTES_PER_IMAGE * max(batch_sizes)),
    )


def _batch_size(chosen: Hyperparameters) -> int:
    return batch_and_images(chosen, MNIST_TRAINING_IMAGES)[0]
