"""The timed process on the compiled path: without a GPU, XLA compiles for the CPU."""

from pathlib import Path

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.record import DatasetRecord, write_result
from batchmark.contract.requests.time import TimingSubject
from batchmark.dataset.arrays import save_arrays
from batchmark.timing.process import Conditions, Timer, Worker
from batchmark.timing.protocol import Length
from tests.training import tiny


@pytest.fixture
def conditions(tmp_path: Path) -> Conditions:
    dataset = tiny.dataset()
    save_arrays(tmp_path / "data.npz", dataset)
    record = DatasetRecord(facts=dataset.facts, source="made up", sums={})
    write_result(tmp_path / "data.json", record)
    return Conditions("gpu", 0, tmp_path / "data.npz", tmp_path / "data.json")


def test_the_compiled_path_is_timed(conditions: Conditions) -> None:
    subject = TimingSubject(
        id="a", hyperparameters=Hyperparameters(model="mlp", batch_size=16), variants=[]
    )
    with Worker("new", Timer, conditions, Length(0.005, 5), 0) as timer:
        built = timer.ask(Timer.prepare, "a", subject, main=True)
        begun = timer.ask(Timer.begin, "a", subject, built, main=True)
        startup = timer.ask(Timer.calibrate, "a", subject, begun)
        timer.ask(Timer.rehearse, "a", subject, startup.visit_steps)
        visit = timer.ask(Timer.visit, "a", startup.visit_steps)
        assert timer.ask(Timer.environment)["xla"]
    assert (startup.batch_size, startup.steps_per_epoch, startup.message) == (16, 6, "")
    assert visit.steps >= startup.visit_steps >= 5
    assert startup.trace_seconds > 0
    assert startup.compile_seconds > 0
    assert startup.first_step_seconds > 0
