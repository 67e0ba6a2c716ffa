"""Locks between processes of any user: `flock` on files in the system's temporary folder.

Whoever times has the machine to itself (`exclusive`); whoever trains shares it (`shared`).
"""

import errno
import fcntl
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

from batchmark.contract.errors import UserError

SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX
Announce = Callable[[str], None]
# No link, lest another user's leads elsewhere; no waiting on a pipe; nothing for a child to hold.
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# What file systems without such locks answer: Lustre, FUSE, NFS for a file that may only be read.
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EBADF, errno.EINVAL}


@contextmanager
def locked(name: str, mode: int, announce: Announce, folder: Path | None) -> Iterator[None]:
    """Hold the lock file `name`, SHARED or EXCLUSIVE; tell `announce` who must be waited for."""
    handle = open_lock(name, folder)
    try:
        if not try_lock(handle, mode):
            announce(_holders(os.fstat(handle).st_ino))
            fcntl.flock(handle, mode)
        yield
    finally:
        os.close(handle)


def try_lock(handle: int, mode: int) -> bool:
    """Lock an open lock file if that needs no waiting.

    True also, with a warning on stderr, where the file system has no locks.
    """
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        print(
            f"warning: the file system has no locks ({error.strerror}), so nothing waits for "
            "others here: start one Snakemake at a time.", file=sys.stderr, flush=True,
        )  # fmt: skip
    return True


def open_lock(name: str, folder: Path | None) -> int:
    """A handle of the lock file `name`; closing it releases its lock.

    Raises UserError when something other than a file, such as a link, stands in its place.
    """
    path = (folder or Path(tempfile.gettempdir())) / name
    try:
        handle = _open_or_create(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot serve as a lock: {error.strerror}; remove it, or set TMPDIR to a "
            "folder that all users of batchmark share."
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UserError(f"{path} cannot serve as a lock: it is not a file; remove it.")
    return handle


def announcer(description: str, what: str) -> Announce:
    """Says on stderr, at most once, that `description` waits for others to leave `what`."""
    said: list[str] = []

    def announce(others: str) -> None:
        if not said:
            print(f"{description} waits for {others} to leave {what}.", file=sys.stderr, flush=True)
        said.append(others)

    return announce


def _open_or_create(path: Path) -> int:
    """Any user's file will do. NFS asks for writing, `flock` itself for no more than reading."""
    try:
        handle = os.open(path, os.O_RDWR | _OPEN | os.O_CREAT | os.O_EXCL)
        os.fchmod(handle, 0o666)
        return handle
    except FileExistsError:
        pass
    try:
        # Without O_CREAT, which Linux refuses for another user's file in a sticky folder.
        return os.open(path, os.O_RDWR | _OPEN)
    except PermissionError:
        return os.open(path, os.O_RDONLY | _OPEN)


def _holders(inode: int, locks: Path = Path("/proc/locks")) -> str:
    """Who holds the lock file, as "train (process 12)", where the kernel tells."""
    try:
        rows = [row.split() for row in locks.read_text().splitlines()]
    except OSError:
        rows = []
    held = [row for row in rows if row[1] == "FLOCK" and row[5].endswith(f":{inode}")]
    names = [_process_name(int(row[4])) for row in held if int(row[4]) > 0]
    return " and ".join(names) or "another process of batchmark"


def _process_name(pid: int) -> str:
    """The stage that a process runs, from `python -m batchmark.stages.<stage>`, and its id."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    modules = [after for word, after in pairwise(words) if word == "-m"]
    return f"{modules[0].rpartition('.')[2]} (process {pid})" if modules else f"process {pid}"


# Two locks: a timing session that waits for MACHINE holds the turnstile, so that no new run
# passes it; otherwise a stream of short runs could keep it waiting for ever.
TURNSTILE = "batchmark-turnstile.lock"
MACHINE = "batchmark-machine.lock"


@contextmanager
def shared(description: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the machine together with other training runs; wait while a timing session has it.

    `description` begins the sentence that tells the user about the wait ("train lenet5-sgd").
    """
    announce = announcer(description, "the machine")
    with ExitStack() as until_done:
        with locked(TURNSTILE, SHARED, announce, folder):
            until_done.enter_context(locked(MACHINE, SHARED, announce, folder))
        yield


@contextmanager
def exclusive(description: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the machine alone; wait for every training run and timing session that has it."""
    announce = announcer(description, "the machine")
    with (
        locked(TURNSTILE, EXCLUSIVE, announce, folder),
        locked(MACHINE, EXCLUSIVE, announce, folder),
    ):
        yield
