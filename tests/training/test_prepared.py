"""A GPU that TensorFlow does not have: a sentence, and never the CPU in its place."""

import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.record import DatasetRecord, write_result
from batchmark.dataset.arrays import save_arrays
from batchmark.timing.footprint import Profiler
from batchmark.timing.process import Conditions, Worker
from tests.training import tiny

MISSING = "device = gpu: TensorFlow finds no GPU"


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data; a device is promised, so that only TensorFlow can miss it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = tiny.dataset()
    save_arrays(tmp_path / "data.npz", data)
    write_result(tmp_path / "data.json", DatasetRecord(facts=data.facts, source="test", sums={}))
    return tmp_path


def test_a_stage_refuses_a_gpu_that_tensorflow_does_not_find(prepared: Path) -> None:
    asked = tiny.request().model_copy(update={"device": "gpu"})
    (prepared / "request.json").write_text(asked.model_dump_json())
    files = {"request": "request.json", "dataset": "data.npz", "facts": "data.json"}
    files |= {"output": "out.json", "checkpoint": "scratch"}
    options = [part for o, name in files.items() for part in (f"--{o}", str(prepared / name))]
    done = subprocess.run(
        [sys.executable, "-m", "batchmark.stages.train", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"batchmark: {MISSING}" in done.stderr.splitlines()[-1]
    assert not (prepared / "out.json").exists()


def test_so_does_the_first_process_of_a_timing_session(prepared: Path) -> None:
    conditions = Conditions("gpu", 0, prepared / "data.npz", prepared / "data.json")
    with (
        Worker(conditions.origin(), Profiler, conditions) as profiler,
        pytest.raises(UserError, match=MISSING),
    ):
        profiler.ask(Profiler.resident)
