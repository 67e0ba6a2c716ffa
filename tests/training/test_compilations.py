"""How often XLA compiles the training graph, counted on the CPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from batchmark.training.data import to_device
from batchmark.training.session import BLOCK, Session
from batchmark.training.trial import Schedule, run_trial, start
from tests.training.tiny import dataset, hyperparameters

# What every compilation does once.
LAYOUTS = "layout-assignment"


def compilations(work: Callable[[], object], folder: Path) -> int:
    """What XLA compiled meanwhile, by TensorFlow's profiler."""
    with tf.profiler.experimental.Profile(str(folder)):
        work()
    count = 0
    for file in folder.glob("**/*.xplane.pb"):
        space: Any = xplane_pb2
        for plane in space.XSpace.FromString(file.read_bytes()).planes:
            named = {key for key, each in plane.event_metadata.items() if each.name == LAYOUTS}
            count += sum(e.metadata_id in named for line in plane.lines for e in line.events)
    return count


def opened(**changes: object) -> Session:
    return Session.open(hyperparameters(**changes), to_device(dataset()), 3, compiled=True)


def test_a_trial_is_compiled_once_however_far_apart_its_evaluations(tmp_path: Path) -> None:
    session = opened()
    session.evaluate("validation")
    # Of 12 steps an epoch: evaluations 3, 2, 3, 2, … and then 12 apart, at last 6.
    schedule = Schedule(3.5, 20, 1.0, 4.0, scored=False)
    marks = schedule.marks(session)
    assert len({b - a for a, b in zip([0, *marks], marks, strict=False)}) > 3
    trained = compilations(
        lambda: run_trial(session, schedule, start(session, schedule), lambda *_: None, "trial"),
        tmp_path,
    )
    assert session.step == marks[-1]
    assert trained == 1


def test_a_timing_compiles_at_most_three_lengths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchmark.training.session.IMAGES_PER_CALL", 32)
    session = opened()
    assert session.longest_call == 4
    lengths = (1, 4, 2, 16, 5, 64, 33, 7)
    assert compilations(lambda: [session.train(steps) for steps in lengths], tmp_path) == 3


@pytest.mark.parametrize("steps", [1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_steps_in_blocks_are_those_of_the_graph(steps: int) -> None:
    data, chosen = to_device(dataset()), hyperparameters(warm_up=2.0, momentum=0.9)
    graph, xla = (Session.open(chosen, data, 3, compiled=compiled) for compiled in (False, True))
    expected, metrics = graph.train(steps), xla.train(steps)
    assert metrics.losses == pytest.approx(expected.losses, rel=1e-3)
    assert metrics.correct.tolist() == expected.correct.tolist()
    iterations: Any = xla.optimizer.iterations
    assert int(iterations.numpy()) == steps
