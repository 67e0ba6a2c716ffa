"""The stage as the workflow calls it, on a few images."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.contract.gradients import GradientResult
from batchmark.contract.record import DatasetRecord, read_result, write_result
from batchmark.contract.requests.probe import ProbeRequest
from batchmark.dataset.arrays import save_arrays
from tests.probing.probing import request
from tests.training import tiny


def run_stage(folder: Path, asked: ProbeRequest) -> subprocess.CompletedProcess[str]:
    dataset = tiny.dataset()
    save_arrays(folder / "data.npz", dataset)
    record = DatasetRecord(facts=dataset.facts, source="made up", sums={})
    write_result(folder / "data.json", record)
    files = {"dataset": "data.npz", "facts": "data.json", "output": "out.json"}
    (folder / "request.json").write_text(asked.model_dump_json())
    arguments = ["--request", str(folder / "request.json")]
    arguments += [str(a) for o, name in files.items() for a in (f"--{o}", folder / name)]
    return subprocess.run(
        [sys.executable, "-m", "batchmark.stages.probe", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> GradientResult:
    folder = tmp_path_factory.mktemp("probe")
    done = run_stage(folder, request())
    assert done.returncode == 0, done.stderr
    return read_result(folder / "out.json", GradientResult)


def test_every_seed_is_probed_at_three_moments(finished: GradientResult) -> None:
    assert [trial.seed for trial in finished.trials] == [3, 4]
    for trial in finished.trials:
        found = [(point.moment, point.epoch) for point in trial.points]
        assert found == [("initial", 0), ("first_epoch", 1), ("final", 2)]


def test_each_size_below_the_training_set_has_its_draws(finished: GradientResult) -> None:
    for point in finished.trials[0].points:
        assert [batch.batch_size for batch in point.batches] == [1, 8]
        for batch in point.batches:
            lengths = len(batch.cosine), len(batch.squared_norm), len(batch.successive_cosine)
            assert lengths == (4, 4, 3)
            assert all(-1 <= cosine <= 1 for cosine in batch.cosine)


def test_norms_of_the_layers_make_up_the_full_norm(finished: GradientResult) -> None:
    for point in finished.trials[0].points:
        total = sum(norm**2 for norm in point.layer_norms.values())
        assert total == pytest.approx(point.full_squared_norm)
