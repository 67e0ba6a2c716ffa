"""What a run's own tests do not reach: when a checkpoint is written, and leftovers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchmark.training.data import to_device
from batchmark.training.session import Session
from batchmark.training.trial import Checkpoint, Schedule, start
from tests.training.tiny import dataset, hyperparameters

SCHEDULE = Schedule(epochs=1.0, evaluate_every=None, evaluate_finely=None, not_learning_after=1.0)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session.open(hyperparameters(), to_device(dataset()), seed=1)


def test_it_is_written_when_due_and_at_the_end(session: Session, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "trial.npz", "key", seconds=1e9)
    checkpoint.save(session, start(session, SCHEDULE), last=False)
    assert not checkpoint.path.exists()
    checkpoint.save(session, start(session, SCHEDULE), last=True)
    assert checkpoint.path.exists()


def test_nothing_is_read_where_nothing_is(session: Session, tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "trial.npz", "key", 1.0).load(session, SCHEDULE) is None


def test_what_a_killed_write_left_is_removed(session: Session, tmp_path: Path) -> None:
    leftover = tmp_path / ".trial.npz.abc.npz"
    leftover.write_bytes(b"half")
    Checkpoint(tmp_path / "trial.npz", "key", 1.0).load(session, SCHEDULE)
    assert not leftover.exists()


@pytest.fixture(scope="module")
def genuine(session: Session, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    checkpoint = Checkpoint(tmp_path_factory.mktemp("genuine") / "trial.npz", "key", 0.0)
    checkpoint.save(session, start(session, SCHEDULE), last=True)
    return checkpoint.path.read_bytes()


# Where a directory entry of a zip archive has its compression method.
METHOD = 10


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), damage=st.binary(min_size=1, max_size=40))
@example(place=-1, damage=b"\x63")
@example(place=-1, damage=b"\x08")
def test_a_damaged_file_is_used_rightly_or_not_at_all(
    session: Session, genuine: bytes, tmp_path: Path, place: int, damage: bytes
) -> None:
    # -1: the method of the first entry in the archive's directory, which readers believe.
    at = genuine.index(b"PK\1\2") + METHOD if place < 0 else place % len(genuine)
    checkpoint = Checkpoint(tmp_path / "trial.npz", "key", 1.0)
    checkpoint.path.write_bytes(genuine[:at] + damage + genuine[at + len(damage) :])
    before = session.state()
    progress = checkpoint.load(session, SCHEDULE)
    assert progress is None or progress.history == start(session, SCHEDULE).history
    for variable, value in zip(session.state(), before, strict=True):
        np.testing.assert_array_equal(variable, value)
