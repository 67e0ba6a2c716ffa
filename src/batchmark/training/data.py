"""Images and labels as tensors on the device, uint8 until the moment they are used."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from batchmark.dataset.arrays import Dataset
from batchmark.errors import UserError

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
        return tuple(self.train.images.shape[1:])  # pyright: ignore[reportReturnType]


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
