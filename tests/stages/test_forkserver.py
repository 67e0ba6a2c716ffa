"""Jobs in forks of a real server, each asked for by a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from batchmark.stages.forkserver import VARIABLE, ForkServer

# Stages of the test: what they do stands in their only argument.
STAGE = """
import os, signal, sys
from batchmark.contract.errors import UserError
from batchmark.stages import command

imported_by = os.getpid()

preloaded = []

def preload(arguments):
    if "refused" in arguments[0]:
        sys.exit("no such argument")
    # Once, as a library's switches are read at its import.
    if not preloaded:
        os.environ["SHADE"] = "dark"
    preloaded.append(True)

def main():
    print("out", os.getcwd(), os.getpid() != imported_by, os.environ.get("COLOUR"))
    print("err", file=sys.stderr)
    exec(sys.argv[1])

if __name__ == "__main__":
    command.run(main)
"""
SLEEP = "print(os.getpid(), flush=True); signal.pause()"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, whose `told.py` is found among the stages."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/told.py").write_text(STAGE)
    (tmp_path / "sitecustomize.py").write_text(
        f"import batchmark.stages as s; s.__path__.append({str(tmp_path / 'stages')!r})"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path[1:]]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[ForkServer]:
    assert folder.is_dir()
    server = ForkServer(Path("forkserver"))
    server.start()
    yield server
    server.stop()


def job(told: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "batchmark.stages", "told", told],
        env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(told: str, **environment: str) -> tuple[int, str, str]:
    process = job(told, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.usefixtures("server")
def test_a_job_is_forked_with_its_own_folder_files_and_status(folder: Path) -> None:
    assert ended("sys.exit(7)") == (7, f"out {folder} True None\n", "err\n")
    assert ended("pass")[0] == 0


@pytest.mark.usefixtures("folder")
def test_without_a_server_it_is_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    alone = ended("sys.exit(7)")
    assert alone == (7, f"out {Path.cwd()} False None\n", "err\n")
    # One that was killed leaves its socket.
    assert ended("sys.exit(7)", **{VARIABLE: "nothing-here"}) == alone


@pytest.mark.usefixtures("folder")
def test_where_no_socket_can_be_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    # Longer than the kernel takes.
    deep = Path(*["deep" * 10] * 4)
    deep.mkdir(parents=True)
    server = ForkServer(deep / "forkserver")
    server.start()
    server.stop()
    assert ended("sys.exit(7)")[0] == 7


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("told", ["raise UserError('No.')", "1 / 0", "sys.exit('No.')"])
def test_errors_are_told_as_in_a_process_of_its_own(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, said = ended(told)
    monkeypatch.delenv(VARIABLE)
    alone, _, said_alone = ended(told)
    assert status == alone == 1
    assert said.splitlines()[-1] == said_alone.splitlines()[-1]
    assert ("Traceback" in said) == ("Traceback" in said_alone)


@pytest.mark.usefixtures("server")
def test_what_is_set_for_the_imports_holds_for_all_jobs() -> None:
    for _ in range(2):
        assert "dark" in ended("print(os.environ['SHADE'])", SHADE="light")[1]


@pytest.mark.usefixtures("server")
def test_arguments_that_are_refused_before_the_fork_are_so_in_the_job_alone() -> None:
    assert ended("sys.exit('refused')")[2] == "err\nrefused\n"
    assert " True " in ended("pass")[1]


@pytest.mark.usefixtures("server")
def test_another_environment_than_the_first_is_refused() -> None:
    assert ended("pass", COLOUR="red")[1].endswith("True red\n")
    assert ended("pass", COLOUR="blue")[1].endswith("False blue\n")


@pytest.mark.usefixtures("server")
def test_a_job_dies_with_who_was_killed_before_hearing_of_it() -> None:
    """Then the connection is not closed but reset."""
    asked = {"stage": "told", "arguments": [SLEEP], "environment": dict(os.environ)}
    asked |= {"folder": str(Path.cwd()), "group": os.getpgrp(), "interruptible": True}
    reading, writing = os.pipe()
    with os.fdopen(reading) as said, socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ[VARIABLE])
        socket.send_fds(line, [json.dumps(asked).encode() + b"\n"], [0, writing, 2])
        os.close(writing)
        said.readline()
        forked = psutil.Process(int(said.readline()))
    forked.wait(60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.usefixtures("server")
def test_a_job_dies_with_who_asked_for_it(number: signal.Signals) -> None:
    with job(SLEEP) as process:
        assert process.stdout
        process.stdout.readline()
        forked = psutil.Process(int(process.stdout.readline()))
        assert os.getpgid(forked.pid) == os.getpgid(process.pid)
        process.send_signal(number)
        assert process.wait() in {-number, 128 + signal.SIGKILL}
        forked.wait(60)


@pytest.mark.usefixtures("server")
def test_who_asked_hears_of_a_job_that_was_killed() -> None:
    assert ended("os.kill(os.getpid(), signal.SIGKILL)")[0] == 128 + signal.SIGKILL


def test_jobs_outlive_the_server(server: ForkServer) -> None:
    with job(SLEEP) as process:
        assert process.stdout
        process.stdout.readline()
        forked = psutil.Process(int(process.stdout.readline()))
        server.stop()
        assert not Path("forkserver").exists()
        assert forked.is_running()
        assert process.poll() is None
        process.terminate()
        forked.wait(60)


@pytest.mark.usefixtures("server")
def test_after_a_kill_no_fork_keeps_the_socket_open() -> None:
    """A job that asked there would wait for ever."""
    with job(SLEEP) as process:
        assert process.stdout
        process.stdout.readline()
        serving = psutil.Process(int(process.stdout.readline())).parent()
        assert serving
        serving.kill()
        serving.wait(60)
        late = job("pass")
        try:
            assert " False " in late.communicate(timeout=60)[0]
        finally:
            late.kill()
            process.terminate()


WORKFLOW = """
import os, subprocess, sys
from pathlib import Path
from batchmark.stages.forkserver import ForkServer

server = ForkServer(Path("forkserver"))
server.start()
told = f"print(os.getpid(), flush=True); os.kill({os.getpid()}, signal.SIGSTOP)"
subprocess.run([sys.executable, "-m", "batchmark.stages", "told", told], check=True)
server.stop()
"""


@pytest.mark.usefixtures("folder")
def test_the_end_of_a_job_leaves_a_stopped_workflow_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKFLOW], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as workflow:
        assert workflow.stdout
        _, job = workflow.stdout.readline(), int(workflow.stdout.readline())
        _, status = os.waitpid(workflow.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        with suppress(psutil.NoSuchProcess):
            psutil.Process(job).wait()
        assert psutil.Process(workflow.pid).status() == psutil.STATUS_STOPPED
        workflow.send_signal(signal.SIGCONT)
        assert workflow.wait() == 0
