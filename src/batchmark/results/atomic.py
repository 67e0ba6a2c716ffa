"""Writing files so that a reader sees the old content or the new one, never a part."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
        _flush(scratch)
        scratch.replace(path)
    except OSError as error:
        # A full disk is noticed while writing, where the system names no file.
        error.filename = error.filename or str(path)
        raise
    finally:
        scratch.unlink(missing_ok=True)


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


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
