"""Images as tensors on the device, the order in which they are trained, and their scale."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from batchmark.contract.errors import UserError
from batchmark.dataset.arrays import Dataset

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Images:
    """Images, uint8 [n, height, width, channels], and their class numbers, int32 [n]."""

    images: tf.Tensor
    labels: tf.Tensor

    def __len__(self) -> int:
        return int(tf.shape(self.labels)[0])

    def first(self, count: int) -> "Images":
        """The first `count` images."""
        return Images(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Data:
    """All splits of a dataset on the device, and the number of classes."""

    train: Images
    validation: Images
    test: Images
    classes: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return tuple(self.train.images.shape[1:])  # pyrefly: ignore [bad-return]


def to_device(dataset: Dataset) -> Data:
    """Check and copy a whole dataset; raises UserError when a split is not usable."""
    classes = dataset.facts.classes
    splits = (
        (dataset.train_images, dataset.train_labels),
        (dataset.validation_images, dataset.validation_labels),
        (dataset.test_images, dataset.test_labels),
    )
    train, validation, test = (split_to_device(*arrays, classes) for arrays in splits)
    return Data(train, validation, test, classes)


def split_to_device(images: NDArray[np.uint8], labels: NDArray[np.integer], classes: int) -> Images:
    """Check and copy one split.

    Raises UserError when images and labels do not fit together or a label is no class.
    """
    if images.ndim != 4 or len(images) != len(labels):
        raise UserError(
            f"the dataset is refused: images of shape {images.shape} with {len(labels)} labels; "
            f"expected [n, height, width, channels] and n labels."
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise UserError(
            f"the dataset is refused: labels from {labels.min()} to {labels.max()}; expected "
            f"0 to {classes - 1}."
        )
    return Images(tf.constant(images), tf.constant(labels.astype(np.int32)))


@dataclass(frozen=True)
class Course:
    """What changes from step to step: lengths in steps, 0 for never, see `Hyperparameters`.

    A batch that has grown is several of the first size whose gradients make one update, of an
    epoch at most.
    """

    warm_up: int
    change_every: int
    rate_factor: float
    batch_factor: int
    accumulation: int
    steps_per_epoch: int

    @property
    def accumulates(self) -> bool:
        """Whether an update takes several steps, sooner or later."""
        return self.accumulation > 1 or self.batch_factor > 1

    def rates(self, first_step: int, steps: int) -> NDArray[np.float32]:
        """The rate of each step as a multiple of the full one, [steps]."""
        step = np.arange(first_step, first_step + steps)
        rising = np.minimum(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        return (rising * self.rate_factor ** self._changes(step)).astype(np.float32)

    def updates(self, first_step: int, steps: int) -> NDArray[np.bool_]:
        """Whether the weights change at the end of each step, [steps]."""
        step = np.arange(first_step, first_step + steps)
        changes = self._changes(step)
        most = max(1.0, float(self.steps_per_epoch))
        # In floating point, for a power of many changes overflows integers.
        batches = np.minimum(self.accumulation * float(self.batch_factor) ** changes, most)
        within = step - changes * self.change_every
        # Before a change of its size a batch ends with what it has.
        last = within == self.change_every - 1
        return ((within + 1) % batches.astype(np.int64) == 0) | last

    def _changes(self, step: NDArray[np.integer]) -> NDArray[np.integer]:
        return step // self.change_every if self.change_every else np.zeros_like(step)


@dataclass(frozen=True)
class Batches:
    """The mini-batches of one trial over `images` training images; `course` None: all alike."""

    images: int
    batch_size: int
    seed: int
    course: Course | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.images // self.batch_size

    def order(self, first_step: int, steps: int) -> NDArray[np.int32]:
        """Image numbers of `steps` steps from `first_step` on, int32 [steps, batch_size]."""
        first_epoch, skipped = divmod(first_step, self.steps_per_epoch)
        last_epoch = (first_step + steps - 1) // self.steps_per_epoch
        epochs = [self._epoch(epoch) for epoch in range(first_epoch, last_epoch + 1)]
        return np.concatenate(epochs)[skipped : skipped + steps]

    def _epoch(self, epoch: int) -> NDArray[np.int32]:
        # Each epoch from its own number: a trial goes on anywhere without the epochs before.
        order = np.random.default_rng([self.seed, epoch]).permutation(np.int32(self.images))
        # The rest of an epoch is left out, another rest each time: all batches are of one size.
        whole = self.steps_per_epoch * self.batch_size
        return order[:whole].reshape(-1, self.batch_size).astype(np.int32)


def mislabelled(images: Images, share: float, classes: int) -> Images:
    """The images, a `share` of them under a label that is drawn from the wrong ones.

    The same whatever the trial. Raises UserError where there is one class only.
    """
    if not share:
        return images
    if classes < 2:
        raise UserError("label_noise needs data of two classes at least; set it to 0.")
    random, labels = np.random.default_rng(0), images.labels.numpy().copy()
    wrong = random.permutation(len(labels))[: round(share * len(labels))]
    # A step of 1 to classes - 1 around the circle never ends where it began.
    labels[wrong] = (labels[wrong] + random.integers(1, classes, len(wrong))) % classes
    return Images(images.images, tf.constant(labels))


@dataclass(frozen=True)
class Pixels:
    """Constants of the transformation, in units of uint8 pixel values."""

    mean: float
    divisor: float


def unit_range(images: ArrayLike) -> Pixels:
    """Pixels in [0, 1], whatever the images."""
    return Pixels(0.0, 255.0)


def standardized(images: ArrayLike) -> Pixels:
    """Mean 0 and standard deviation 1 over all pixels of `images`; constant images become 0."""
    # From 256 counts, exact, without a copy of all pixels in floating point.
    counts = np.bincount(np.asarray(images, np.uint8).ravel(), minlength=256)
    values = np.arange(256)
    mean = float(np.average(values, weights=counts))
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    return Pixels(mean, deviation or 1.0)


def pixels_for(normalization: str, images: ArrayLike) -> Pixels:
    """How a variant's pixels arrive: standardized where it normalizes its input."""
    return standardized(images) if normalization == "input" else unit_range(images)
