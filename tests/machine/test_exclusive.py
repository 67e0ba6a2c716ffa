"""The machine's lock, between real processes."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.machine.locks import MACHINE, TURNSTILE, exclusive, shared

HOLD = """
import sys
from pathlib import Path
from batchmark.machine import locks as exclusive
with getattr(exclusive, sys.argv[1])(sys.argv[2], Path(sys.argv[3])):
    print("in", flush=True)
    sys.stdin.readline()
print("out", flush=True)
"""


class Holder:
    """A process that takes the lock, says "in", and leaves when told."""

    def __init__(self, kind: str, name: str, folder: Path) -> None:
        command = [sys.executable, "-c", HOLD, kind, name, str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        )

    def said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def complained(self) -> str:
        assert self.process.stderr
        return self.process.stderr.readline().strip()

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)


Hold = Callable[..., Holder]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    holders: list[Holder] = []

    def start(kind: str, name: str = "job") -> Holder:
        holders.append(Holder(kind, name, tmp_path))
        return holders[-1]

    yield start
    for holder in holders:
        if holder.process.poll() is None:
            holder.process.kill()
        holder.process.communicate()


def test_training_runs_share_the_machine(hold: Hold) -> None:
    first, second = hold("shared"), hold("shared")
    assert (first.said(), second.said()) == ("in", "in")


def test_timing_waits_for_training_and_says_for_whom(hold: Hold) -> None:
    train = hold("shared")
    assert train.said() == "in"
    timing = hold("exclusive", "time batch_size")
    assert timing.complained() == (
        f"time batch_size waits for process {train.process.pid} to leave the machine."
    )
    train.leave()
    assert timing.said() == "in"


def test_training_that_comes_later_queues_behind_a_waiting_timing_session(hold: Hold) -> None:
    early = hold("shared")
    assert early.said() == "in"
    timing = hold("exclusive", "timing")
    assert timing.complained()
    late = hold("shared", "late")
    assert f"process {timing.process.pid}" in late.complained()
    early.leave()
    assert timing.said() == "in"
    timing.leave()
    assert late.said() == "in"


@pytest.mark.parametrize("kind", ["shared", "exclusive"])
def test_a_killed_holder_leaves_no_lock_behind(hold: Hold, kind: str, tmp_path: Path) -> None:
    holder = hold(kind)
    assert holder.said() == "in"
    holder.process.send_signal(signal.SIGKILL)
    holder.process.wait()
    with exclusive("after", tmp_path):
        pass


def test_lock_files_serve_other_users_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with shared("train", tmp_path):
            pass
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (TURNSTILE, MACHINE)]
    assert modes == [0o666, 0o666]


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / TURNSTILE).symlink_to(target)
    with pytest.raises(UserError, match=TURNSTILE), shared("train", tmp_path):
        pass
    assert stat.S_IMODE(target.stat().st_mode) != 0o666


def test_a_pipe_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / TURNSTILE)
    with pytest.raises(UserError, match="remove it"), shared("train", tmp_path):
        pass
