"""The stage as the workflow calls it, on a few images."""

import os
import subprocess
import sys

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.profile import ProfileResult, StepProfile
from batchmark.contract.record import DatasetRecord, read_result, write_result
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.profile import ProfileRequest
from batchmark.dataset.arrays import save_arrays
from batchmark.stages.forkserver import ForkServer
from tests.training import tiny

CHOSEN = {
    "lenet5-4": Hyperparameters(model="lenet5", optimizer="adam", batch_size=4),
    "raises": Hyperparameters(model="tests.training.broken_models:raises", batch_size=4),
    "oversized": Hyperparameters(model="mlp", batch_size=100_000),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StepProfile]:
    folder = tmp_path_factory.mktemp("profile")
    dataset = tiny.dataset(side=28)
    save_arrays(folder / "data.npz", dataset)
    record = DatasetRecord(facts=dataset.facts, source="made up", sums={})
    write_result(folder / "data.json", record)
    asked = ProfileRequest(
        study="mine",
        machine="here",
        device="cpu",
        variants=[Variant(id=id_, hyperparameters=chosen) for id_, chosen in CHOSEN.items()],
        threads=0,
    )
    (folder / "request.json").write_text(asked.model_dump_json())
    files = {"request": "request.json", "dataset": "data.npz", "facts": "data.json"}
    files["output"] = "out.json"
    arguments = [str(a) for option, name in files.items() for a in (f"--{option}", folder / name)]
    # As in a run of the workflow; TensorFlow is imported for one thread before the fork.
    server = ForkServer(folder / "forkserver")
    server.start()
    done = subprocess.run(
        [sys.executable, "-m", "batchmark.stages", "profile", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    server.stop()
    assert done.returncode == 0, done.stderr
    result = read_result(folder / "out.json", ProfileResult)
    assert (result.study, result.machine, result.device) == ("mine", "here", "cpu")
    assert result.environment["switches"]["TF_NUM_INTRAOP_THREADS"] == str(result.threads)
    return {profile.variant: profile for profile in result.profiles}


def test_the_parts_add_up_to_the_step(finished: dict[str, StepProfile]) -> None:
    step = finished["lenet5-4"]
    assert not step.message
    assert step.steps >= 3
    assert sum(part.seconds for part in step.parts) == pytest.approx(step.traced_seconds_per_step)
    assert all(part.seconds >= 0 for part in step.parts)


def test_layers_and_parts_appear(finished: dict[str, StepProfile]) -> None:
    parts = finished["lenet5-4"].parts
    assert {part.part for part in parts} == {"forward", "backward", "update", "between"}
    products = {(part.part, part.layer) for part in parts if part.products}
    passes = ("forward", "backward")
    assert {(pass_, layer) for pass_ in passes for layer in ("c1", "c3", "c5")} <= products
    # A product that names no layer would be one that was not told.
    assert all(layer for _, layer in products)


def test_what_cannot_be_profiled_says_why(finished: dict[str, StepProfile]) -> None:
    for name in ("raises", "oversized"):
        assert finished[name].message.startswith("not profiled: "), finished[name]
        assert not finished[name].parts
    assert "100000" in finished["oversized"].message
