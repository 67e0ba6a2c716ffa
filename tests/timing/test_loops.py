"""Loops beside the engine's graph, in this process, on a few images."""

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.timing.loops import Loop, open_loop
from batchmark.training.data import to_device
from batchmark.training.session import Session
from tests.training import tiny

RATE = 0.01


def loop(name: str, size: int = 8) -> Loop:
    chosen = Hyperparameters(model="mlp", batch_size=size)
    return open_loop(name, chosen, to_device(tiny.dataset()), 0, RATE)


@pytest.mark.parametrize("name", ["fit", "fit-tuned", "tests.timing.own_loops:train"])
def test_a_loop_makes_as_many_steps_as_it_is_asked_for(name: str) -> None:
    """Also of more epochs than one and a part."""
    opened = loop(name)
    optimizer = opened.optimizer
    for steps in (1, 2 * opened.steps_per_epoch + 3):
        before = int(optimizer.iterations)
        opened.train(steps)
        assert int(optimizer.iterations) - before == steps


def test_the_time_of_fit_is_that_between_its_first_batch_and_its_last() -> None:
    assert 0 < (loop("fit").train(3) or 0) < 60e9
    assert loop("tests.timing.own_loops:train").train(3) is None


def test_steps_per_execution_are_chosen_within_an_epoch() -> None:
    tuned = loop("fit-tuned")
    # Twelve short steps make an epoch, far less than an execution should take.
    assert tuned.steps_per_execution == tuned.steps_per_epoch == 96 // 8
    assert loop("fit").steps_per_execution == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("returns_early", "its loop updated the weights 2 times when asked for 3"),
        ("trains_another", "its loop trains other weights than those of the model it is given"),
        ("nowhere", "has no attribute 'nowhere'"),
    ],
)
def test_a_loop_that_does_something_else_is_named(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        loop(f"tests.timing.own_loops:{name}")


def test_fit_trains_the_same_network_on_the_same_images() -> None:
    """One step over the whole set, in whatever order: the weights are those of the engine's."""
    data = to_device(tiny.dataset())
    chosen = Hyperparameters(model="mlp", batch_size=len(data.train), learning_rate=RATE)
    session = Session.open(chosen, data, 0)
    session.train(1)
    opened = open_loop("fit", chosen, data, 0, RATE)
    opened.train(1)
    ours, theirs = session.model.get_weights(), opened.model.get_weights()
    pairs = zip(ours, theirs, strict=True)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in pairs)
