"""Reading files that may come from a stranger: no pipe, no device, no more than is allowed."""

import stat
from pathlib import Path

from batchmark.errors import UserError


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
