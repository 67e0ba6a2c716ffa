"""Workers in real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

from batchmark.contract.errors import UserError
from batchmark.timing.process import Worker

ROOT = Path(__file__).parents[2]


class Counting:
    def __init__(self, start: int) -> None:
        if start < 0:
            raise UserError("no negative numbers.")
        self.value = start

    def add(self, more: int) -> int:
        self.value += more
        return self.value

    def process(self) -> int:
        return os.getpid()

    def refuse(self) -> Never:
        raise UserError("not today.")

    def divide(self) -> float:
        return self.value / 0

    def interrupt(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def die(self) -> None:
        os._exit(3)


def test_a_worker_keeps_what_it_built_in_a_process_of_its_own() -> None:
    with Worker(Counting, 5) as worker:
        assert [worker.ask(Counting.add, 2), worker.ask(Counting.add, 3)] == [7, 10]
        assert worker.ask(Counting.process) != os.getpid()


def test_what_the_user_can_mend_comes_back_as_a_sentence() -> None:
    with Worker(Counting, 5) as worker:
        with pytest.raises(UserError, match=r"not today\."):
            worker.ask(Counting.refuse)
        assert worker.ask(Counting.add, 1) == 6


def test_also_when_building_fails() -> None:
    with Worker(Counting, -1) as worker, pytest.raises(UserError, match="no negative numbers"):
        worker.ask(Counting.add, 1)


def test_a_dead_process_is_said_in_a_sentence() -> None:
    with Worker(Counting, 5) as worker, pytest.raises(UserError, match="ended in 'die'"):
        worker.ask(Counting.die)


def test_whatever_else_goes_wrong_is_raised_here_with_its_traceback() -> None:
    with Worker(Counting, 5) as worker, pytest.raises(ZeroDivisionError) as raised:
        worker.ask(Counting.divide)
    assert "self.value / 0" in str(raised.value.__cause__)


def test_a_worker_does_not_outlive_a_killed_parent() -> None:
    code = """
import os
from batchmark.timing.process import Worker
from tests.timing.test_processes import Counting
if __name__ == "__main__":
    worker = Worker(Counting, 5)
    print(worker.ask(Counting.process), flush=True)
    os.kill(os.getpid(), 9)
"""
    # The worker inherits the pipe: reading it ends when both processes are gone.
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == -9
    assert int(done.stdout) > 0


def test_ctrl_c_ends_a_worker_at_once_and_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with (
        Worker(Counting, 5) as worker,
        pytest.raises(UserError, match="ended in 'interrupt'"),
    ):
        worker.ask(Counting.interrupt)
    assert capfd.readouterr().err == ""
