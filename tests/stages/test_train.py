"""The stage as the workflow calls it: a process that may be killed at any moment."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import Any

import pytest

from batchmark.contract.record import DatasetRecord, read_result, write_result
from batchmark.contract.requests.train import TrainRequest
from batchmark.contract.run import RunResult
from batchmark.dataset.arrays import save_arrays
from batchmark.stages.forkserver import ForkServer
from tests.training import tiny

ROOT = Path(__file__).parents[2]
Environment = dict[str, str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """That of a workflow's jobs, with a server that forks them."""
    place = tmp_path_factory.mktemp("server")
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    server = ForkServer(place / "socket", environment)
    server.start()
    yield environment
    server.stop()


def start(
    folder: Path, environment: Environment, request: TrainRequest, name: str
) -> subprocess.Popen[str]:
    """The stage in a process of its own; result and checkpoints are called `name`."""
    asked = folder / f"{name}-request.json"
    asked.write_text(request.model_dump_json())
    options = {
        "--request": asked,
        "--dataset": folder / "data.npz",
        "--facts": folder / "data.json",
        "--checkpoint": folder / f"{name}-scratch",
        "--checkpoint-seconds": "0",
        "--output": folder / f"{name}.json",
    }
    arguments = [str(part) for option in options.items() for part in option]
    return subprocess.Popen(
        [sys.executable, "-m", "batchmark.stages", "train", *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the tiny data set as the download stage would leave it."""
    data = tiny.dataset()
    save_arrays(tmp_path / "data.npz", data)
    record = DatasetRecord(facts=data.facts, source="test", sums={})
    write_result(tmp_path / "data.json", record)
    return tmp_path


def killed_after(process: subprocess.Popen[str], lines: int, delay: float) -> int:
    """Kill the process `delay` seconds after its log has this many lines of progress; its status.

    The delay, a part of an interval, lets the kill fall between evaluations and into writing.
    """
    assert process.stderr is not None
    for line in process.stderr:
        lines -= line.startswith("trial-")
        if lines == 0:
            # Not a wait for anything: whenever the signal comes, the outcome must be the same.
            select([], [], [], delay)
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    return process.returncode


def finished(folder: Path, environment: Environment, request: TrainRequest, name: str) -> str:
    """The log of a process that ends well."""
    process = start(folder, environment, request, name)
    _, log = process.communicate()
    assert process.returncode == 0, log
    return log


def result(folder: Path, name: str) -> dict[str, Any]:
    return tiny.without_clock(read_result(folder / f"{name}.json", RunResult))


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(
    folder: Path, environment: Environment
) -> None:
    """With all that has a state: an optimizer's slots, random numbers, moving means."""
    settings: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.01}
    settings |= {"dropout": 0.3, "normalization": "batch"}
    asked = tiny.request({"epochs": 12.0, "evaluate_every": 40}, **settings)
    lines = finished(folder, environment, asked, "whole").count("trial-")
    seed = random.SystemRandom().randrange(2**32)
    print(f"the moments of the kills have seed {seed}")
    moments = random.Random(seed)
    for _ in range(2):
        # From the second line on: a checkpoint follows its line, so the first one is there.
        after, delay = moments.randint(2, lines // 3), moments.uniform(0, 0.02)
        assert (
            killed_after(start(folder, environment, asked, "killed"), after, delay)
            == -signal.SIGKILL
        )
        assert not (folder / "killed.json").exists()
    assert finished(folder, environment, asked, "killed").count("trial-") < lines  # it did continue
    assert result(folder, "killed") == result(folder, "whole")


def test_two_processes_train_lenet5_to_the_same_bits(
    folder: Path, environment: Environment
) -> None:
    data = tiny.dataset(side=28)
    save_arrays(folder / "data.npz", data)
    record = DatasetRecord(facts=data.facts, source="test", sums={})
    write_result(folder / "data.json", record)
    asked = tiny.request(
        {"epochs": 2.0, "trials": 1}, model="lenet5", optimizer="adam", dropout=0.2
    )
    for name in ("one", "two"):
        finished(folder, environment, asked, name)
    assert result(folder, "one") == result(folder, "two")


def test_a_mistake_ends_in_one_line_and_leaves_no_file(
    folder: Path, environment: Environment
) -> None:
    process = start(folder, environment, tiny.request(model="lenet5"), "wrong")
    _, log = process.communicate()
    assert process.returncode == 1
    assert "batchmark: variant tiny: model 'lenet5' could not be built" in log.splitlines()[-1]
    assert "Traceback" not in log
    assert not (folder / "wrong.json").exists()


def test_help_needs_no_tensorflow() -> None:
    code = (
        "import sys; sys.argv = ['train', '--help']\n"
        "from batchmark.stages import train\n"
        "try: train.main()\n"
        "finally: assert not {'tensorflow', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--checkpoint-seconds" in shown.stdout
