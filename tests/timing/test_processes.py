"""Workers in real processes."""

import os
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

    def die(self) -> None:
        os._exit(3)


def test_a_worker_keeps_what_it_built_in_a_process_of_its_own() -> None:
    with Worker(Counting, 5) as worker:
        assert [worker.ask("add", 2), worker.ask("add", 3)] == [7, 10]
        assert worker.ask("process") != os.getpid()


def test_what_the_user_can_mend_comes_back_as_a_sentence() -> None:
    with Worker(Counting, 5) as worker:
        with pytest.raises(UserError, match=r"not today\."):
            worker.ask("refuse")
        assert worker.ask("add", 1) == 6


def test_also_when_building_fails() -> None:
    with Worker(Counting, -1) as worker, pytest.raises(UserError, match="no negative numbers"):
        worker.ask("add", 1)


def test_a_dead_process_is_said_in_a_sentence() -> None:
    with Worker(Counting, 5) as worker, pytest.raises(UserError, match="status 3 in 'die'"):
        worker.ask("die")


def test_a_worker_does_not_outlive_a_killed_parent() -> None:
    code = """
import os
import subprocess
import sys
from pathlib import Path
from batchmark.timing.process import Worker
from tests.timing.test_processes import Counting
if __name__ == "__main__":
    worker = Worker(Counting, 5)
    print(worker.ask("process"), flush=True)
    os.kill(os.getpid(), 9)
"""
    # The worker inherits the pipe: reading it ends when both processes are gone.
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == -9
    assert int(done.stdout) > 0
