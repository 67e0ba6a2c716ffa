"""Locks on file systems that have not all of them, played by a preloaded `flock`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")

# NFS takes an exclusive lock only on a file that is open for writing; Lustre has none unless
# it was mounted with them.
NFS = "operation & LOCK_EX && (fcntl(handle, F_GETFL) & O_ACCMODE) == O_RDONLY ? EBADF : 0"
LUSTRE = "ENOSYS"
FLOCK = """
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
int flock(int handle, int operation) {
    int fault = %s;
    if (fault) { errno = fault; return -1; }
    return syscall(SYS_flock, handle, operation);
}
"""
TAKE_TWICE = """
from pathlib import Path
from batchmark.machine.locks import EXCLUSIVE, open_lock, try_lock
print([try_lock(open_lock("a.lock", Path()), EXCLUSIVE) for _ in range(2)])
"""


def taken_twice(folder: Path, fault: str) -> tuple[str, str]:
    """Whether two handles get one exclusive lock, and what is said of it."""
    source, library = folder / "flock.c", folder / "flock.so"
    source.write_text(FLOCK % fault)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    done = subprocess.run(
        [sys.executable, "-c", TAKE_TWICE], cwd=folder, env=os.environ | {"LD_PRELOAD": library},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip(), done.stderr


def test_a_lock_is_had_where_it_takes_writing(tmp_path: Path) -> None:
    assert taken_twice(tmp_path, NFS) == ("[True, False]", "")


def test_where_there_is_none_we_go_on_and_say_so(tmp_path: Path) -> None:
    taken, said = taken_twice(tmp_path, LUSTRE)
    assert taken == "[True, True]"
    assert "has no locks (Function not implemented)" in said
    assert "Traceback" not in said


def test_a_lock_file_of_another_user_that_may_only_be_read_will_do(tmp_path: Path) -> None:
    (tmp_path / "a.lock").touch(mode=0o444)
    assert taken_twice(tmp_path, "0") == ("[True, False]", "")
