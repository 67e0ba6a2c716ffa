"""Kernels train and score as TensorFlow does, but for rounding."""

import numpy as np
import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import to_device
from batchmark.training.kernels.choice import serves
from batchmark.training.kernels.session import KernelSession, open_session
from batchmark.training.session import Session
from tests.training.tiny import dataset

STEPS = 200
RELU = {"activation": "relu", "pooling": "max", "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("side", "changes"),
    [
        (28, {"batch_size": 1, "learning_rate": 0.01}),
        (16, {"batch_size": 33}),
        (16, {**RELU, "momentum": 0.9}),
        (16, {**RELU, "momentum": 0.9, "nesterov": True}),
        (16, {"warm_up": 2.0, "change_every": 3.0, "rate_factor": 0.5}),
        (20, {"normalization": "input", "initializer_scale": 0.5}),
    ],
)
def test_trains_and_scores_as_tensorflow(side: int, changes: dict) -> None:
    chosen = Hyperparameters(**{"batch_size": 8, **changes})
    data = to_device(dataset(96, side=side))
    kernels, graph = open_session(chosen, data, 3), Session.open(chosen, data, 3)
    assert isinstance(kernels, KernelSession)
    ours, theirs = kernels.train(STEPS), graph.train(STEPS)
    for mine, other in zip(weights(kernels), weights(graph), strict=True):
        assert np.linalg.norm(mine - other) <= 1e-5 * np.linalg.norm(other)
    for mine, other in zip(kernels.state(), graph.state(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-4, atol=1e-5)
    assert (ours.correct == theirs.correct).mean() > 0.99
    for split in ("validation", "test"):
        mine, other = kernels.evaluate(split), graph.evaluate(split)
        assert mine.accuracy == other.accuracy
        assert mine.loss == pytest.approx(other.loss, rel=1e-4)
    losses, wrong = kernels.validate(np.arange(7))
    expected, missed = graph.validate(np.arange(7))
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)
    assert wrong.tolist() == missed.tolist()


def weights(session: Session) -> list[np.ndarray]:
    return [variable.numpy() for variable in session.model.trainable_variables]


def test_goes_on_from_a_state_bit_for_bit() -> None:
    chosen, data = Hyperparameters(batch_size=8, momentum=0.9), to_device(dataset(96, side=16))
    whole, parts = (open_session(chosen, data, 3) for _ in range(2))
    whole.train(40)
    parts.train(11)
    resumed = open_session(chosen, data, 3)
    resumed.restore(parts.state(), parts.step)
    resumed.train(29)
    assert all(map(np.array_equal, whole.state(), resumed.state()))


def test_a_divergence_is_seen() -> None:
    chosen = Hyperparameters(batch_size=8, activation="relu", learning_rate=1e6)
    session = open_session(chosen, to_device(dataset(96, side=16)), 3)
    assert not np.isfinite(session.train(STEPS).losses).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam"},
        {"weight_decay": 0.1},
        {"l2": 0.1},
        {"dropout": 0.5},
        {"normalization": "batch"},
        {"accumulation": 2},
        {"ema_half_life": 100.0},
        {"optimizer_arguments": {"clipnorm": 1.0}},
        {"model": "lenet_theano"},
        {"model": "mypackage.models:build"},
    ],
)
def test_serves_nothing_that_it_does_not_know(changes: dict) -> None:
    assert serves(Hyperparameters(), (28, 28, 1))
    assert not serves(Hyperparameters(**changes), (28, 28, 1))


def test_serves_images_whose_halves_are_whole() -> None:
    # 27 - 4 + 4 = 27 has no half; 24 + 4 - 4 = 24, 12 - 4 = 8 has.
    assert not serves(Hyperparameters(), (27, 27, 1))
    assert serves(Hyperparameters(), (24, 24, 3))
