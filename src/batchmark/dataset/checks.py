"""Whether arrays are a dataset one can train on: one sentence for each way they are not."""

import numpy as np

from batchmark.dataset.arrays import SPLITS, Arrays
from batchmark.dataset.npz import Array
from batchmark.errors import UserError

MOST_CLASSES = 10_000


def pixel_factor(images: list[Array]) -> float:
    """255 when floating-point pixels run from 0 to 1 in all sets, else 1."""
    floats = [array for array in images if array.dtype.kind == "f" and array.size]
    return 255.0 if floats and max(float(array.max()) for array in floats) <= 1 else 1.0


def as_images(array: Array, name: str, factor: float = 1.0) -> Array:
    """Pixels as uint8 [n, height, width, channels]; a missing channel axis is added.

    Numbers from 0 to 255 are taken (fractions are rounded), floats from 0 to 1 with `factor` 255.
    Raises UserError for any other shape, type or value.
    """
    shaped = array[..., np.newaxis] if array.ndim == 3 else array
    _check_image_shape(array, shaped, name)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(shaped)
    _check_pixels(array, name)
    return np.ascontiguousarray(np.rint(shaped * factor).astype(np.uint8))


def as_labels(array: Array, name: str) -> Array:
    """Labels as uint8, or int32 for more than 256 classes, of shape [n].

    Raises UserError unless they are whole numbers from 0.
    """
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim != 1:
        raise UserError(
            f"{name} has shape {array.shape}; give one class number per image "
            "(one-hot labels: take argmax(axis=1))."
        )
    if flat.dtype.kind not in "iu":
        raise UserError(f"{name} holds {flat.dtype} values; labels are whole numbers from 0.")
    if flat.size and (int(flat.min()) < 0 or int(flat.max()) >= MOST_CLASSES):
        raise UserError(
            f"{name} runs from {flat.min()} to {flat.max()}; "
            f"labels are whole numbers from 0 to {MOST_CLASSES - 1:,}."
        )
    many = bool(flat.size) and int(flat.max()) > 255
    return np.ascontiguousarray(flat.astype(np.int32 if many else np.uint8))


def check_pair(images: Array, labels: Array, name: str) -> None:
    """Raise UserError unless there is at least one image and one label for each."""
    if not len(images):
        raise UserError(f"{name} holds no images.")
    if len(images) != len(labels):
        raise UserError(f"{name} has {len(images):,} images but {len(labels):,} labels.")


def count_classes(arrays: Arrays, name: str) -> int:
    """The number of classes, told by the largest training label.

    Raises UserError when training or validation images are all of one class, when a split holds
    a class that is never trained, or when the splits' images differ in shape.
    """
    classes = int(arrays.train_labels.max()) + 1
    for split in SPLITS:
        labels = getattr(arrays, f"{split}_labels")
        alike = labels.min() == labels.max()
        if alike and (split == "train" or (split == "validation" and len(labels) > 1)):
            raise UserError(
                f"{name}: all {len(labels):,} {split} images are of class {labels[0]}; at least "
                "two classes are needed (if the images are sorted by class, shuffle them)."
            )
        if labels.max() >= classes:
            raise UserError(
                f"{name}: class {labels.max()} of the {split} set does not occur in the training "
                f"set, whose labels end at {classes - 1}."
            )
    _check_same_shape(arrays, name)
    return classes


def _check_image_shape(array: Array, shaped: Array, name: str) -> None:
    if shaped.ndim != 4 or 0 in shaped.shape[1:]:
        raise UserError(
            f"{name} has shape {array.shape}; images are (n, height, width) or "
            "(n, height, width, channels)."
        )
    if shaped.shape[1] <= 4 < shaped.shape[3]:
        raise UserError(
            f"{name} has shape {array.shape}, which looks like channels first; "
            "move them last with numpy.moveaxis(images, 1, -1)."
        )


def _check_pixels(array: Array, name: str) -> None:
    if array.dtype.kind not in "uif":
        raise UserError(f"{name} holds {array.dtype} values; pixels are numbers from 0 to 255.")
    if not array.size:
        return
    low, high = array.min(), array.max()
    if np.isnan(low) or np.isnan(high):
        raise UserError(f"{name} holds pixels that are not a number (NaN); remove those images.")
    if low < 0 or high > 255:
        raise UserError(
            f"{name} runs from {low:g} to {high:g}; pixels are numbers from 0 to 255, "
            "or from 0 to 1."
        )


def _check_same_shape(arrays: Arrays, name: str) -> None:
    shapes = {split: getattr(arrays, f"{split}_images").shape[1:] for split in SPLITS}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
        raise UserError(f"{name}: the images differ in shape ({listed}).")
