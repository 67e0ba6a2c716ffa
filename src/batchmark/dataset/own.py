"""The user's own data: an npz file or a folder of IDX files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchmark.dataset.arrays import Arrays
from batchmark.dataset.checks import as_images, as_labels, check_pair, pixel_factor
from batchmark.dataset.idx import encode_idx
from batchmark.dataset.limits import Limits, MirrorError
from batchmark.dataset.local import check_own
from batchmark.dataset.mirrors import IdxFiles, read_mirror
from batchmark.dataset.mnist import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from batchmark.dataset.npz import Array, read_npz
from batchmark.dataset.split import Labelled, split_off
from batchmark.errors import UserError

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

    `expected` holds sums of MNIST's IDX files to verify. A validation set in the npz is used as
    it is, else the end of the training set is split off. Raises UserError.
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
    found = read_npz(path, _REQUIRED + _OPTIONAL)
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise UserError(
            f"dataset.path: {path} lacks {', '.join(missing)}; it must hold {', '.join(_REQUIRED)} "
            f"and may hold {', '.join(_OPTIONAL)}."
        )
    if len(found.keys() & set(_OPTIONAL)) == 1:
        raise UserError(f"dataset.path: {path} holds only one of {' and '.join(_OPTIONAL)}.")
    _verify(found, expected, path)
    sums = {name: hashlib.sha256(_bytes(array)).hexdigest() for name, array in found.items()}
    return Loaded(_split(found, validation, f"dataset.path {path}"), sums)


def _bytes(array: Array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _verify(found: Mapping[str, Array], expected: Mapping[str, str], path: Path) -> None:
    """An npz holds MNIST when its arrays, written as IDX, are the original files."""
    for name, idx_name in _IDX_NAMES.items():
        if idx_name not in expected:
            continue
        array = found[name]
        same = array.dtype == np.uint8 and (
            hashlib.sha256(encode_idx(array)).hexdigest() == expected[idx_name]
        )
        if not same:
            raise UserError(
                f"dataset.path: {name} of {path} is not MNIST's {idx_name}; "
                "give data of your own another dataset.name."
            )


def _split(found: Mapping[str, Array], validation: float | None, name: str) -> Arrays:
    # One scale for all sets: a dark set of floats must not pass for one from 0 to 1.
    factor = pixel_factor({key: a for key, a in found.items() if key.startswith("x_")}, name)
    training = _labelled(found, "train", factor, name)
    test = _labelled(found, "test", factor, name)
    if "x_val" not in found:
        return split_off(training, test, validation)
    held_out = _labelled(found, "val", factor, name)
    return Arrays(
        training.images, training.labels, held_out.images, held_out.labels, test.images, test.labels
    )


def _labelled(found: Mapping[str, Array], part: str, factor: float, name: str) -> Labelled:
    images = as_images(found[f"x_{part}"], f"x_{part} of {name}", factor)
    labels = as_labels(found[f"y_{part}"], f"y_{part} of {name}")
    check_pair(images, labels, f"{name} ({part})")
    return Labelled(images, labels)
