"""A process that has imported Snakemake once; a Snakemake of the tests is a fork of it.

Two of a start's three seconds are imports, most of them of plugins. Tests of kills, interrupts
and environments start Snakemake as users do, and so do `make` and the commands of the pages.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

# What each start imports, but for batchmark, whose code is that of the folder it works in.
IMPORTS = (
    *("snakemake.cli", "snakemake.report.html_reporter"),
    *("snakemake_storage_plugin_s3", "smart_open"),
)
_READY = b"ready"


class NotPreloadedError(Exception):
    """Why there is no process to fork: every test that runs the workflow would meet the same."""


class Preloaded:
    """Runs `python -m snakemake`, one at a time; raises NotPreloadedError where an import fails."""

    def __init__(self, imports: tuple[str, ...] = IMPORTS) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *imports],
                cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL,
                # Threads do not survive a fork, and Snakemake computes nothing.
                env={**os.environ, "PYTHONPATH": "", "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()], process_group=0,
            )  # fmt: skip
        words = self._line.recv(1 << 12)
        if words != _READY:
            self.kill()
            status = self._server.returncode
            raise NotPreloadedError(
                f"The tests' Snakemake cannot start: {words.decode() or f'it ended with {status}'}"
            )

    def run(
        self, arguments: list[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """What Snakemake says with these arguments in a folder, and how it ends."""
        job = json.dumps([arguments, str(folder), environment]).encode()
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            self._line.sendall(b"%010d" % len(job))
            socket.send_fds(self._line, [job[:1]], [output.fileno(), errors.fileno()])
            self._line.sendall(job[1:])
            status = int(self._line.recv(10, socket.MSG_WAITALL))
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(arguments, status, output.read(), errors.read())

    def kill(self) -> None:
        """End it with all that still runs."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._line.close()


@cache
def preloaded() -> Preloaded:
    """The one of this test process."""
    return Preloaded()


def snakemake(
    arguments: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m snakemake` with these arguments says in a folder, and how it ends."""
    server = preloaded()
    try:
        return server.run(arguments, folder, environment)
    except BaseException:
        # A test that is given up leaves no Snakemake behind.
        server.kill()
        preloaded.cache_clear()
        raise


def pytest_exception_interact(node: "pytest.Item", call: "pytest.CallInfo[None]") -> None:
    """End the test run where no test of the workflow can go on."""
    if call.excinfo is not None and isinstance(call.excinfo.value, NotPreloadedError):
        node.session.shouldfail = str(call.excinfo.value)


def _next_job(line: socket.socket) -> tuple[list[Any], list[int]] | None:
    length = line.recv(10, socket.MSG_WAITALL)
    if not length:
        return None
    first, streams, _, _ = socket.recv_fds(line, 1, 2)
    return json.loads(first + line.recv(int(length) - 1, socket.MSG_WAITALL)), streams


def _serve(line: socket.socket, imports: list[str]) -> list[str] | None:
    """Fork a process for each job; only there this returns, with the arguments."""
    try:
        for module in imports:
            importlib.import_module(module)
    except BaseException as error:
        line.sendall(f"{type(error).__name__}: {error}".encode())
        raise
    gc.freeze()
    line.sendall(_READY)
    while job := _next_job(line):
        (arguments, folder, environment), streams = job
        if not (process := os.fork()):
            line.close()
            _take_the_place(folder, environment, streams)
            return arguments
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(process, 0)
        line.sendall(b"%10d" % os.waitstatus_to_exitcode(status))
    return None


def _take_the_place(folder: str, environment: dict[str, str], streams: list[int]) -> None:
    for place, stream in enumerate(streams, start=1):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    paths = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:1] = [folder, *paths]
    importlib.invalidate_caches()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        asked = _serve(listener, sys.argv[2:])
    if asked is not None:
        sys.argv[1:] = asked
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
