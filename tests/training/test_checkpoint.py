"""What a run's own tests do not reach: when a checkpoint is written, and leftovers."""

import random
from pathlib import Path

import numpy as np
import pytest

from batchmark.training.checkpoint import Checkpoint
from batchmark.training.data import to_device
from batchmark.training.session import Session
from batchmark.training.trial import start
from tests.training.tiny import dataset, hyperparameters


@pytest.fixture(scope="module")
def session() -> Session:
    return Session.open(hyperparameters(), to_device(dataset()), seed=1)


def test_it_is_written_when_due_and_at_the_end(session: Session, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "trial.npz", "key", seconds=1e9)
    checkpoint.save(session, start(session), last=False)
    assert not checkpoint.path.exists()
    checkpoint.save(session, start(session), last=True)
    assert checkpoint.path.exists()


def test_nothing_is_read_where_nothing_is(session: Session, tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "trial.npz", "key", 1.0).load(session, steps=9) is None


def test_what_a_killed_write_left_is_removed(session: Session, tmp_path: Path) -> None:
    leftover = tmp_path / ".trial.npz.abc.npz"
    leftover.write_bytes(b"half")
    Checkpoint(tmp_path / "trial.npz", "key", 1.0).load(session, steps=9)
    assert not leftover.exists()


def test_no_flipped_bit_is_fatal_or_leaves_half_a_state(session: Session, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "trial.npz", "key", seconds=0.0)
    checkpoint.save(session, start(session), last=True)
    intact, before, chance = checkpoint.path.read_bytes(), session.state(), random.Random(3)
    for _ in range(300):
        damaged = bytearray(intact)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        checkpoint.path.write_bytes(damaged)
        checkpoint.load(session, steps=9)
    unchanged = zip(session.state(), before, strict=True)
    assert all(np.array_equal(now, then, equal_nan=True) for now, then in unchanged)
