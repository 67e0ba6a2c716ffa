"""A Snakemake that runs beside the test, and the processes that work for it."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.workflow.checkout import Checkout

# Of what a machine does in seconds, however loaded it is.
PATIENCE = 300.0


def start(checkout: Checkout, *targets: str) -> subprocess.Popen[bytes]:
    """Snakemake in a checkout, in the background; without targets for the report."""
    with (checkout.folder / "snakemake.log").open("w") as output:
        return subprocess.Popen(
            [*checkout.command(), *targets],
            cwd=checkout.folder, env=checkout.environment(), stdout=output, stderr=output,
            start_new_session=True, preexec_fn=_heed_interrupts,  # noqa: PLW1509 no threads here
        )  # fmt: skip


def _heed_interrupts() -> None:
    # A shell's background jobs, perhaps this test run, ignore SIGINT and pass that on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(checkout: Checkout, *targets: str) -> Iterator[subprocess.Popen[bytes]]:
    """The same; at the end everything that still works there is killed."""
    process = start(checkout, *targets)
    try:
        yield process
    finally:
        kill_all(checkout.folder)
        process.wait()


def said(checkout: Checkout) -> str:
    """What the last Snakemake that was started by `running` has said."""
    return (checkout.folder / "snakemake.log").read_text(encoding="utf-8", errors="replace")


def workers(folder: Path) -> Iterator[psutil.Process]:
    """All processes whose working directory is `folder`, orphans included."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == str(folder):
            yield process


def stages(folder: Path, *words: str) -> Iterator[psutil.Process]:
    """The stages that run in `folder` now with all `words` on their command line."""
    for process in workers(folder):
        command = process.info["cmdline"] or []
        # The shell around a stage has the whole command as one word.
        if "-m" in command and "-c" not in command:
            # Jobs name their stage after the package, which finds the server of forks.
            text = " ".join(command).replace("batchmark.stages ", "batchmark.stages.")
            if "batchmark.stages" in text and all(word in text for word in words):
                yield process


@contextmanager
def held(snakemake: subprocess.Popen[bytes], checkout: Checkout) -> Iterator[None]:
    """Wait until Snakemake has its jobs and stop it meanwhile, so that it does not end."""
    follow(snakemake, lambda: "Jobs to do" in said(checkout))
    process = psutil.Process(snakemake.pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def kill(process: psutil.Process) -> bool:
    """Kill a process; False when it has ended by itself."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def strike(snakemake: subprocess.Popen[bytes], folder: Path, *names: str) -> None:
    """Kill each of these stages once, as soon as it runs."""
    left = set(names)

    def struck() -> bool:
        for name in sorted(left):
            for process in stages(folder, f"batchmark.stages.{name}"):
                if kill(process):
                    left.discard(name)
        return not left

    follow(snakemake, struck)


def kill_all(folder: Path) -> None:
    """Leave no process that works in `folder`."""
    while doomed := [p for p in workers(folder) if p.status() != psutil.STATUS_ZOMBIE]:
        for process in doomed:
            kill(process)


def _none() -> None:
    """No sign of progress but the end."""


def eventually(condition: Callable[[], object], progress: Callable[[], object] = _none) -> None:
    """Wait until `condition` holds; in vain once `progress` has said the same for `PATIENCE`."""
    said_last, since = progress(), time.monotonic()
    while not condition():
        if (now := progress()) != said_last:
            said_last, since = now, time.monotonic()
        assert time.monotonic() < since + PATIENCE, "waited in vain"
        time.sleep(0.05)


def follow(
    process: subprocess.Popen[bytes],
    reached: Callable[[], object],
    progress: Callable[[], object] = _none,
) -> None:
    """Wait until a running process has brought a condition about."""
    eventually(lambda: reached() or process.poll() is not None, progress)
    assert reached(), "it ended before"
