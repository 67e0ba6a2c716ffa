"""A GPU that TensorFlow does not have: a sentence, and never the CPU in its place."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.record import DatasetRecord, write_result
from batchmark.contract.requests.time import TimeRequest, TimingSubject
from batchmark.dataset.arrays import save_arrays
from tests.training import tiny


def time_request() -> TimeRequest:
    subject = TimingSubject(id="a", hyperparameters=Hyperparameters(model="mlp"), variants=["a"])
    return TimeRequest(
        study="one", machine="local", device="gpu", subjects=[subject], baseline="a", threads=[0],
        rounds=1, min_seconds=0.1, min_steps=1, seed=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "request_"),
    [("train", tiny.request()), ("time", time_request())],
    ids=["train", "time"],
)
def test_a_gpu_that_tensorflow_does_not_find_is_refused(
    tmp_path: Path, stage: str, request_: Any
) -> None:
    request = tmp_path / "request.json"
    request.write_text(request_.model_copy(update={"device": "gpu"}).model_dump_json())
    data = tiny.dataset()
    save_arrays(tmp_path / "data.npz", data)
    write_result(tmp_path / "data.json", DatasetRecord(facts=data.facts, source="test", sums={}))
    files = {"dataset": "data.npz", "facts": "data.json", "output": "out.json"}
    files |= {"checkpoint": "scratch"} if stage == "train" else {}
    options = [part for o, name in files.items() for part in (f"--{o}", str(tmp_path / name))]
    done = subprocess.run(
        [sys.executable, "-m", f"batchmark.stages.{stage}", "--request", str(request), *options],
        # A device is promised, so that only TensorFlow can say that there is none.
        env={**os.environ, "TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "GPU-7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "batchmark: device = gpu: TensorFlow finds no GPU" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out.json").exists()
