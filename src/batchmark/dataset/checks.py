"""Whether arrays are a dataset one can train on: one sentence for each way they are not."""

from collections.abc import Iterator, Mapping

import numpy as np

from batchmark.dataset.arrays import SPLITS, Arrays
from batchmark.dataset.npz import Array
from batchmark.errors import UserError

MOST_CLASSES = 10_000
FEW_VALIDATION = 100


def pixel_factor(images: Mapping[str, Array], name: str) -> float:
    """255 when floating-point pixels run from 0 to 1 in all sets, else 1.

    Raises UserError when they do so in one set and not in another.
    """
    floats = {key: a for key, a in images.items() if a.dtype.kind == "f" and a.size}
    bright = [key for key, array in floats.items() if not float(array.max()) <= 1]
    if not bright:
        return 255.0 if floats else 1.0
    # Whole numbers are a dark set of the scale up to 255.
    for key in floats.keys() - set(bright):
        if np.any(floats[key] % 1):
            raise UserError(
                f"{name}: {key} runs from 0 to 1 and {bright[0]} up to "
                f"{floats[bright[0]].max():g}; bring all sets to one scale."
            )
    return 1.0


def as_images(array: Array, name: str, factor: float = 1.0) -> Array:
    """Pixels as uint8 [n, height, width, channels]; a missing channel axis is added.

    Numbers from 0 to 255 are taken, fractions rounded; floats are multiplied by `factor`.
    Raises UserError for any other shape, type or value.
    """
    shaped = array[..., np.newaxis] if array.ndim == 3 else array
    _check_image_shape(array, shaped, name)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(shaped)
    _check_pixels(array, name)
    scaled = shaped * factor if array.dtype.kind == "f" else shaped
    return np.ascontiguousarray(np.rint(scaled).astype(np.uint8))


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


def notes(arrays: Arrays, classes: int) -> Iterator[str]:
    """What is allowed and yet may be a mistake, a sentence each."""
    trained, held_out = arrays.train_labels, len(arrays.validation_labels)
    seen = np.unique(trained)
    if len(seen) < classes:
        missing = np.setdiff1d(np.arange(classes), seen)
        listed = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
        yield (
            f"labels up to {classes - 1} make {classes} classes, and {len(missing)} of them never "
            f"occur ({listed}); the network has an output for each"
        )
    if len(trained) > 1 and np.all(np.diff(trained.astype(np.int64)) >= 0):
        yield (
            "the training images are sorted by class, so a train_size takes the first classes "
            "alone; shuffle them"
        )
    if held_out < FEW_VALIDATION:
        yield (
            f"{held_out} validation images: the accuracy moves in steps of {100 / held_out:.2g} "
            "points, which says little; hold out at least 100"
        )
    if arrays.train_images.max() <= 1:
        yield "pixels run from 0 to 1 as whole numbers, almost black on a scale up to 255"


def _check_image_shape(array: Array, shaped: Array, name: str) -> None:
    if shaped.ndim != 4 or 0 in shaped.shape[1:]:
        raise UserError(
            f"{name} has shape {array.shape}; images are (n, height, width) or "
            "(n, height, width, channels)."
        )
    if shaped.shape[1] <= 4 < shaped.shape[3]:
        raise UserError(
            f"{name} has shape {array.shape}, which looks like channels first; move them last with "
            "numpy.moveaxis(images, 1, -1), or pad images of fewer than 5 rows."
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
