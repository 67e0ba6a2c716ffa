"""Files between stages: read within bounds, sealed by their content, written whole or not."""

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from batchmark.contract.errors import UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path` that takes its place if the block succeeds.

    The scratch name is unique, so an orphaned process can neither overwrite nor remove what a
    later attempt wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(0o644)
        # On the disk before it has the name: after a power cut the old file or the new, not half.
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        # A full disk is noticed while writing, where the system names no file.
        error.filename = error.filename or str(path)
        raise
    finally:
        scratch.unlink(missing_ok=True)


# A target's name between a dot and what `mkstemp` makes up, then its suffix once more.
_SCRATCH = re.compile(r"\..+(\.\w+)\.[a-z0-9_]{8}\1")


def remove_leftovers(folder: Path) -> None:
    """Remove what writers left below `folder` who were killed, where nobody may be writing."""
    for path in folder.rglob(".*"):
        if _SCRATCH.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with replacing(path) as scratch:
        scratch.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused because JSON has neither."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_bounded(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes; raises UserError, never waits."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path} cannot be read: it is not a regular file.")
        with path.open("rb") as file:
            # As many as there are: Python has room ready for all that it is asked to read.
            content = file.read(min(status.st_size, largest) + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > largest:
        raise UserError(f"{path} is refused: larger than {largest} bytes.")
    return content


# The entry with the digest, as `sealed` writes it, and the brace that ends the object.
_END = re.compile(rb'(,\n "digest": "[0-9a-f]{64}")?\n?}\Z')
# Bytes of all that, so that only the end of a file is searched.
_LONGEST_END = 81


def sealed(content: bytes) -> bytes:
    """A JSON object, indented by one, with the SHA-256 of all before it as its last entry.

    A digest that is there already is replaced.
    """
    last = f',\n "digest": "{digest_of(content)}"\n}}\n'
    return _without_end(content) + last.encode()


def digest_of(content: bytes) -> str:
    """The digest (hex) of a JSON object, which may end with it."""
    return hashlib.sha256(_without_end(content)).hexdigest()


def _without_end(content: bytes) -> bytes:
    # Looked for from where it can begin: megabytes of content are not searched.
    whole = content.rstrip()
    end = _END.search(whole, max(0, len(whole) - _LONGEST_END))
    return whole[: end.start()] if end else content


def is_intact(content: bytes) -> bool:
    """Whether the content is what was sealed, to the byte."""
    return content == sealed(content)
