"""Reading `.npz` archives from strangers: no pickle, no array larger than its file says."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from batchmark.contract.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

# What an ordinary machine can hold in memory once; a small archive can unpack to petabytes.
LARGEST_ARCHIVE = 8 * 2**30


def read_npz(path: Path, names: Iterable[str], largest: int = LARGEST_ARCHIVE) -> dict[str, Array]:
    """The arrays called `names` that `path` holds; names it lacks are absent from the result.

    Raises UserError when the archive is missing, damaged, unpacks to more than `largest` bytes or
    holds objects, which only pickle could read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > largest:
                raise UserError(f"{path} is refused: it unpacks to more than {largest:,} bytes.")
            present = set(archive.namelist())
            return {name: _read(archive, name) for name in names if f"{name}.npy" in present}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except UserError:
        raise
    except Exception as error:  # zipfile, zlib, ast and tokenize all have their own for damage
        raise UserError(f"{path} is refused: not a sound .npz archive ({error}).") from error


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        _check_header(file, name, member.file_size)
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_header(file: IO[bytes], name: str, size: int) -> None:
    """Refuse objects, and a shape whose memory would not match the bytes that follow."""
    version = np.lib.format.read_magic(file)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"{name}: unknown .npy version {version}")
    read = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects; save plain numbers")
    # In Python's integers, for a product of hostile lengths would overflow numpy's.
    count = 1
    for length in shape:
        count *= length
    if count * dtype.itemsize != size - file.tell():
        raise ValueError(f"{name} declares {count:,} values that its bytes do not hold")
