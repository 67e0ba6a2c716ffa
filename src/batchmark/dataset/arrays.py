"""The dataset as every stage sees it: verified arrays and the facts that identify them."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from batchmark.contract.errors import UserError
from batchmark.contract.files import replacing
from batchmark.contract.record import DatasetFacts, read_record
from batchmark.dataset.npz import Array, read_npz

SPLITS = ("train", "validation", "test")
ARRAY_NAMES = tuple(f"{split}_{part}" for split in SPLITS for part in ("images", "labels"))


@dataclass(frozen=True)
class Arrays:
    """Images uint8 [n, height, width, channels] and labels uint8 or int32 [n] of each split."""

    train_images: Array
    train_labels: Array
    validation_images: Array
    validation_labels: Array
    test_images: Array
    test_labels: Array


@dataclass(frozen=True)
class Dataset(Arrays):
    """Arrays together with the facts that results made on them record."""

    facts: DatasetFacts


def digest(arrays: Arrays) -> str:
    """SHA-256 (hex) of names, types, shapes and contents: of pixels, labels and split."""
    total = hashlib.sha256()
    for name in ARRAY_NAMES:
        array = np.ascontiguousarray(getattr(arrays, name))
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.data)
    return total.hexdigest()


def describe(name: str, arrays: Arrays, classes: int) -> DatasetFacts:
    """The facts of `arrays`, digest included."""
    height, width, channels = arrays.train_images.shape[1:]
    return DatasetFacts(
        name=name,
        digest=digest(arrays),
        train=len(arrays.train_labels),
        validation=len(arrays.validation_labels),
        test=len(arrays.test_labels),
        image_shape=(height, width, channels),
        classes=classes,
    )


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write the npz atomically. Not compressed: every run loads it."""
    with replacing(path) as scratch, scratch.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: getattr(arrays, name) for name in ARRAY_NAMES})


def load_arrays(path: Path) -> Arrays:
    """Read the six arrays; raises UserError when one is missing or the archive is damaged."""
    arrays = read_npz(path, ARRAY_NAMES)
    missing = [name for name in ARRAY_NAMES if name not in arrays]
    if missing:
        raise UserError(f"{path} is refused: it lacks {', '.join(missing)}.")
    return Arrays(**arrays)


def load_dataset(npz: Path, facts_json: Path) -> Dataset:
    """The arrays of `npz`, verified against the digest in `facts_json`.

    Read once for a process and its forks, while the files are the same. Raises UserError when
    either is missing or damaged or when they do not belong together.
    """
    return _loaded(npz, facts_json, _version(npz), _version(facts_json))


def _version(path: Path) -> Hashable:
    """Which file it is, and of when; None: there is none, or none that can be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


# The last only: others would stay in memory.
@lru_cache(maxsize=1)
def _loaded(npz: Path, facts_json: Path, *_versions: Hashable) -> Dataset:
    facts = read_record(facts_json).facts
    arrays = load_arrays(npz)
    computed = digest(arrays)
    if computed != facts.digest:
        raise UserError(
            f"{npz} does not belong to {facts_json}: its digest is {computed[:12]}…, recorded is "
            f"{facts.digest[:12]}…; delete both files and download again."
        )
    return Dataset(**vars(arrays), facts=facts)
