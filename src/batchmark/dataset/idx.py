"""The IDX format of MNIST's files: an array of one type behind a short header."""

import math
import struct

import numpy as np

from batchmark.contract.errors import UserError
from batchmark.dataset.npz import Array

# The format's codes; it stores big-endian numbers.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Images, height, width, channels: a header of more is no picture's.
_MOST_DIMENSIONS = 4


def parse_idx(content: bytes, name: str) -> Array:
    """The array that `content` encodes, in native byte order; `name` is for the error.

    Raises UserError when the bytes are not IDX, or are fewer or more than the header announces.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise UserError(f"{name} is not an IDX file: it begins with {content[:4]!r}.")
    dtype, dimensions = np.dtype(_TYPES[content[2]]), content[3]
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise UserError(f"{name} has {dimensions} dimensions; 1 to {_MOST_DIMENSIONS} are read.")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"{name} is truncated: its header has {len(content)} of {start} bytes.")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    expected = math.prod(shape) * dtype.itemsize
    present = len(content) - start
    if present != expected:
        state = "truncated" if present < expected else "followed by trailing bytes"
        raise UserError(f"{name} is {state}: {present:,} bytes of values, {expected:,} announced.")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def encode_idx(array: Array) -> bytes:
    """The IDX file of an array; the inverse of `parse_idx`."""
    codes = {np.dtype(code).newbyteorder("="): number for number, code in _TYPES.items()}
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[array.dtype], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()
