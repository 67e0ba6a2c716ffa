"""A data set of four tiny IDX files, written by hand, and their sums."""

import gzip
import hashlib
import struct
from pathlib import Path

from batchmark.dataset.local import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS

TRAINING, TESTING, SIDE = 12, 4, 3


def _images(count: int) -> bytes:
    pixels = bytes((7 * number) % 256 for number in range(count * SIDE * SIDE))
    return struct.pack(">HBB3I", 0, 8, 3, count, SIDE, SIDE) + pixels


def _labels(count: int) -> bytes:
    return struct.pack(">HBBI", 0, 8, 1, count) + bytes(number % 2 for number in range(count))


CONTENT = {
    TRAIN_IMAGES: _images(TRAINING),
    TRAIN_LABELS: _labels(TRAINING),
    TEST_IMAGES: _images(TESTING),
    TEST_LABELS: _labels(TESTING),
}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


def write(folder: Path, *, packed: bool = True) -> Path:
    """Write the four files into `folder`, gzipped or plain."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENT.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder
