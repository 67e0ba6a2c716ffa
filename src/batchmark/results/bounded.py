"""Reading files that may be anything: a pipe without a writer, an endless device, a huge file."""

from pathlib import Path


def read_at_most(path: Path, largest: int) -> bytes:
    """The file's content, cut after `largest` + 1 bytes, so that a longer one can be told.

    Raises OSError when it cannot be read or is no regular file, on which reading may never end.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")
    with path.open("rb") as file:
        return file.read(largest + 1)
