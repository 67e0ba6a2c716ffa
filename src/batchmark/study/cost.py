"""How much work a run is, relative to another: enough to start the longest one first."""

from dataclasses import dataclass

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import MNIST_TRAINING_IMAGES, Budget
from batchmark.study.config import TimingConfig, TuningConfig

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
    """How long a visit of a timing block takes when a step takes `step_seconds`."""
    steps = timing.min_steps * step_seconds
    most = max(timing.max_seconds, step_seconds) if timing.max_seconds else steps
    return max(timing.min_seconds, min(steps, most))


def batch_and_images(chosen: Hyperparameters, available: int) -> tuple[int, int]:
    """Batch size and training images of a variant when the dataset has `available` images."""
    images = available if chosen.train_size == "full" else min(chosen.train_size, available)
    batch_size = images if chosen.batch_size == "full" else min(chosen.batch_size, images)
    return batch_size, images
