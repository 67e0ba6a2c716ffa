"""Workers in real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Never

import psutil
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
        return self.value / 0  # pyrefly: ignore

    def interrupt(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def die(self) -> None:
        os._exit(3)

    def linger(self) -> None:
        signal.pause()


def test_a_worker_keeps_what_it_built_in_a_process_of_its_own() -> None:
    with Worker("new", Counting, 5) as worker:
        assert [worker.ask(Counting.add, 2), worker.ask(Counting.add, 3)] == [7, 10]
        assert worker.ask(Counting.process) != os.getpid()


def test_what_the_user_can_mend_comes_back_as_a_sentence() -> None:
    with Worker("new", Counting, 5) as worker:
        with pytest.raises(UserError, match=r"not today\."):
            worker.ask(Counting.refuse)
        assert worker.ask(Counting.add, 1) == 6


def test_also_when_building_fails() -> None:
    with (
        Worker("new", Counting, -1) as worker,
        pytest.raises(UserError, match="no negative numbers"),
    ):
        worker.ask(Counting.add, 1)


def test_a_dead_process_is_said_in_a_sentence() -> None:
    with Worker("new", Counting, 5) as worker, pytest.raises(UserError, match="ended in 'die'"):
        worker.ask(Counting.die)


def test_whatever_else_goes_wrong_is_raised_here_with_its_traceback() -> None:
    with Worker("new", Counting, 5) as worker, pytest.raises(RuntimeError) as raised:
        worker.ask(Counting.divide)
    assert "self.value / 0" in str(raised.value)
    assert "ZeroDivisionError" in str(raised.value)


@pytest.mark.parametrize("busy", [True, False])
def test_a_worker_does_not_outlive_a_killed_parent(busy: bool) -> None:
    code = f"""
import os
from batchmark.timing.process import Worker
from tests.timing.test_processes import Counting
if __name__ == "__main__":
    worker = Worker("new", Counting, 5)
    print(worker.ask(Counting.process), flush=True)
    if {busy}:
        worker._line.send((Counting.linger, (), {{}}))
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
        Worker("new", Counting, 5) as worker,
        pytest.raises(UserError, match="ended in 'interrupt'"),
    ):
        worker.ask(Counting.interrupt)
    assert capfd.readouterr().err == ""


class Importing:
    """What a process finds, what forked it, and how many of its threads compute."""

    def __init__(self) -> None:
        self.imported = "tensorflow" in sys.modules

    def facts(self, threads: int) -> tuple[bool, int, int, str]:
        import tensorflow as tf  # noqa: PLC0415

        before = psutil.Process().num_threads()
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
        tf.ones(1).numpy()
        started = psutil.Process().num_threads() - before
        return self.imported, os.getppid(), started, os.environ["TF_ENABLE_ONEDNN_OPTS"]


@pytest.mark.slow
def test_forks_share_one_import_or_another_and_choose_their_own_threads(tmp_path: Path) -> None:
    code = """
import os
from pathlib import Path
import psutil
from batchmark.stages.forkserver import ForkServer
from batchmark.timing.process import Worker
from tests.timing.test_processes import Importing
if __name__ == "__main__":
    ForkServer(Path("forkserver")).start()
    workers = [Worker(origin, Importing) for origin in ("shared", "shared", "apart")]
    for worker, threads in zip(workers, (1, 4, 1)):
        server = psutil.Process((facts := worker.ask(Importing.facts, threads))[1])
        print(*facts, server.num_threads(), flush=True)
    os.kill(os.getpid(), 9)
"""
    # Forks and what forks them inherit the pipe: reading it ends when all of them are gone.
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=120, check=False,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )  # fmt: skip
    one, other, apart = (line.split() for line in done.stdout.decode().splitlines())
    for imported, _, _, onednn, threads_of_server in (one, other, apart):
        # A thread that is there at a fork is not there in it, whatever it held.
        assert (imported, onednn, threads_of_server) == ("True", "1", "1")
    assert one[1] == other[1] != apart[1]
    assert int(other[2]) - int(one[2]) == 3
