"""A process that has imported what jobs need and forks them: each then starts at once.

TensorFlow's import takes longer than many a short run. It differs from the fork server of Python's
`multiprocessing` in that a job is a command of a shell: `run` asks from there, and hands over its
files, its folder and its process group. A job dies with who asked for it; the server ends with who
started it.

There are two such processes, each with an import of its own, which its first job starts: forks
share where libraries lie in memory, and of a timing session some are to lie elsewhere. An import
occupies some 0.3 GB until the server ends.
"""

import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any

from batchmark.stages import command

# Names the socket of the first to all that the workflow starts; the second's has an ending more.
VARIABLE = "BATCHMARK_FORKSERVER"
_ENDINGS = ("", "-apart")
# Snakemake sets them by job. A fork chooses its threads itself, and what forks it should have none.
_THREADS = (
    *("OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
_KILLED = 128 + signal.SIGKILL
_STREAMS = (0, 1, 2)


class ForkServer:
    """The server on a socket at `path`, which systems want short.

    `environment`: that of all that shall find it, by default of this process and what it starts.
    """

    def __init__(self, path: Path, environment: MutableMapping[str, str] = os.environ) -> None:
        self._path, self._environment = path, environment
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Offer it to all that starts in the environment from now on.

        Where the file system has no sockets there is none, and jobs are processes of their own.
        """
        try:
            for ending in _ENDINGS:
                path = self._path.with_name(self._path.name + ending)
                self._processes[path] = _listening(path, self._environment)
        except OSError:
            return
        self._environment[VARIABLE] = str(self._path)

    def stop(self) -> None:
        """End it, if it was started; jobs under way go on."""
        self._environment.pop(VARIABLE, None)
        for path, process in self._processes.items():
            process.communicate()
            path.unlink(missing_ok=True)


def _listening(path: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process that serves; raises OSError where no socket can be at `path`."""
    path.unlink(missing_ok=True)
    log = path.with_name(f"{path.name}.log")
    # Opened here, so that no job comes too early.
    with socket.socket(socket.AF_UNIX) as listener, log.open("w") as said:
        listener.bind(str(path))
        listener.listen()
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(listener.fileno())],
            stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment,
            pass_fds=[listener.fileno()],
        )  # fmt: skip


def serve(listener: socket.socket) -> None:
    """Fork the jobs asked for on a socket until standard input ends.

    All of them have the environment of the first, with which everything was imported; others are
    refused, and work in a process of their own.
    """
    # The jobs hear a terminal's Ctrl-C, each for itself. A process group of its own would do as
    # well, but the kernel hangs up on a stopped group when its last link to another one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is imported is no garbage, and to look whether it is takes a tenth of the import.
    gc.disable()
    ended, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    environment: dict[str, str] | None = None
    while sys.stdin not in (ready := select([listener, sys.stdin, ended], [], [])[0]):
        if ended in ready:
            ended.recv(1 << 10)
            _reap()
        if listener in ready:
            line, _ = listener.accept()
            with line, suppress(OSError, ValueError):
                environment = _answered(listener, line, environment)


def _answered(
    listener: socket.socket, line: socket.socket, environment: dict[str, str] | None
) -> dict[str, str]:
    """Fork the job that is asked for, unless its environment is another; the first one's."""
    job, streams = _received(line)
    if environment is None:
        # Once: what is imported may set more, and go by it.
        os.environ.update(job["environment"])
        environment = dict(job["environment"])
    if job["environment"] == environment:
        _fork(listener, line, job, streams)
    for stream in streams:
        os.close(stream)
    return environment


def run(stage: str, arguments: list[str], *, apart: bool = False) -> int | None:
    """The exit status of a stage that the server has forked; None where no server takes it.

    `apart`: from the second of its processes.
    """
    path = os.environ.get(VARIABLE)
    if path is None:
        return None
    job = {
        "stage": stage,
        "arguments": arguments,
        "environment": os.environ | dict.fromkeys(_THREADS, "1"),
        "folder": str(Path.cwd()),
        "group": os.getpgrp(),
        "interruptible": signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
    }
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(path + _ENDINGS[apart])
            text = json.dumps(job).encode() + b"\n"
            line.sendall(text[socket.send_fds(line, [text], _STREAMS) :])
            process = line.recv(10, socket.MSG_WAITALL)
        except OSError:
            return None
        return _followed(line, int(process)) if process else None


def _followed(line: socket.socket, process: int) -> int:
    """How the process ends. What asks this one to end is passed on; Ctrl-C it hears itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def pass_on(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(process, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    status = line.recv(1)
    return status[0] if status else _KILLED


def _received(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    text, streams, _, _ = socket.recv_fds(line, 1 << 16, len(_STREAMS))
    while not text.endswith(b"\n"):
        # Whoever asked may be gone, and then this is no JSON.
        text += line.recv(1 << 16) or b"\n"
    return json.loads(text), streams


def _fork(
    listener: socket.socket, line: socket.socket, job: dict[str, Any], streams: list[int]
) -> None:
    """Prepare what the job needs, once for all that need it, and let a new process be the job."""
    stage = f"batchmark.stages.{job['stage']}"
    # The job would meet the same error, and says it in its own log.
    with suppress(Exception, SystemExit):
        getattr(importlib.import_module(stage), "preload", lambda _: None)(job["arguments"])
    # Frozen, so that forks do not look either, which would copy what they share.
    gc.freeze()
    if os.fork() == 0:
        try:
            # Else who asks after the server was killed would wait for an answer.
            listener.close()
            _take_the_place(job, streams)
            line.sendall(b"%010d" % os.getpid())
            threading.Thread(target=_die_with, args=[line], daemon=True).start()
            line.sendall(bytes([_work(stage)]))
        finally:
            # Not through what the server would do at its end.
            os._exit(1)


def _reap() -> None:
    """Count the time of ended jobs as spent for this process; how they ended nobody asks here."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _take_the_place(job: dict[str, Any], streams: list[int]) -> None:
    """Be the process of who asked as far as files, folder and Ctrl-C go."""
    gc.enable()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if job["interruptible"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in zip(_STREAMS, streams, strict=True):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(job["folder"])
    os.setpgid(0, job["group"])
    sys.argv = [job["stage"], *job["arguments"]]


def _work(stage: str) -> int:
    """The exit status of a stage, whose errors are told as the interpreter tells them."""
    status = 0
    try:
        command.run(importlib.import_module(stage).main)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _die_with(line: socket.socket) -> None:
    # Reset, where who asked was killed before it read of this process.
    with suppress(ConnectionResetError):
        line.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        serve(listener)
