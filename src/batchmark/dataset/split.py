"""From a training and a test set to training, validation and test."""

from dataclasses import dataclass

from batchmark.dataset.arrays import Arrays
from batchmark.dataset.npz import Array
from batchmark.errors import UserError

# MNIST: 10,000 of 60,000, as in the published study.
DEFAULT_SHARE = 1 / 6


@dataclass(frozen=True)
class Labelled:
    """Images uint8 [n, height, width, channels] and their labels [n]."""

    images: Array
    labels: Array


def validation_size(training: int, validation: float | None) -> int:
    """How many of `training` images validate: a count, a share below 1, or None for a sixth.

    Raises UserError unless at least one image is left on either side.
    """
    wanted = DEFAULT_SHARE if validation is None else validation
    size = round(training * wanted) if 0 < wanted < 1 else int(wanted)
    if (size != wanted and wanted >= 1) or not 0 < size < training:
        raise UserError(
            f"dataset.validation: {validation} cannot be split off {training:,} training images; "
            f"give a count from 1 to {training - 1:,} or a share between 0 and 1."
        )
    return size


def split_off(training: Labelled, test: Labelled, validation: float | None) -> Arrays:
    """The last images of the training set become the validation set."""
    kept = len(training.labels) - validation_size(len(training.labels), validation)
    return Arrays(
        train_images=training.images[:kept],
        train_labels=training.labels[:kept],
        validation_images=training.images[kept:],
        validation_labels=training.labels[kept:],
        test_images=test.images,
        test_labels=test.labels,
    )
