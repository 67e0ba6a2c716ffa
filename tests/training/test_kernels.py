"""Kernels train and score as TensorFlow does, but for rounding."""

from typing import Any

import numpy as np
import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import to_device
from batchmark.training.kernels.choice import scores, serves
from batchmark.training.kernels.session import (
    GradientSession,
    KernelSession,
    ScoringSession,
    kind_of_session,
)
from batchmark.training.session import Session
from tests.training.tiny import dataset

STEPS, SOME = 200, np.arange(17)


def open_both(side: int = 16, **changes: Any) -> tuple[Session, Session]:
    chosen = Hyperparameters.model_validate({"batch_size": 8, **changes})
    data = to_device(dataset(96, side=side))
    kinds = [kind_of_session(chosen, data, compiled) for compiled in (False, True)]
    assert kinds == [KernelSession, Session]
    return kinds[0].open(chosen, data, 3), kinds[1].open(chosen, data, 3)


def assert_near(ours: list[np.ndarray], theirs: list[np.ndarray], *, share: float = 1e-5) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert np.linalg.norm(mine - other) <= share * np.linalg.norm(other)


@pytest.mark.parametrize(
    ("side", "changes"),
    [
        (28, {"batch_size": 1, "learning_rate": 0.01}),
        (16, {"batch_size": 33}),
        (16, {"momentum": 0.9, "learning_rate": 0.01}),
        (16, {"momentum": 0.9, "learning_rate": 0.01, "nesterov": True}),
        (16, {"warm_up": 2.0, "change_every": 3.0, "rate_factor": 0.5}),
        (20, {"normalization": "input", "initializer_scale": 0.5}),
    ],
)
def test_trains_and_scores_as_tensorflow(side: int, changes: dict[str, Any]) -> None:
    both = open_both(side, **changes)
    (losses, correct), (expected, right) = (vars(each.train(STEPS)).values() for each in both)
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)
    assert (correct == right).mean() > 0.99
    assert_near(*(each.model.get_weights() for each in both))
    assert_near(*(each.state() for each in both), share=1e-4)
    ours, theirs = (vars(each.evaluate("test")) for each in both)
    assert ours == pytest.approx(theirs, rel=1e-4)
    (losses, wrong), (expected, missed) = (each.validate(SOME) for each in both)
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)
    assert wrong.tolist() == missed.tolist()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"optimizer": "adam", "learning_rate": 0.001, "ema_half_life": 100.0}, GradientSession),
        ({"dropout": 0.5, "l2": 0.01, "normalization": "input"}, ScoringSession),
        ({"batch_size": 4, "accumulation": 2, "weight_decay": 0.01}, GradientSession),
    ],
)
def test_scores_as_tensorflow_what_it_does_not_train(
    changes: dict[str, Any], kind: type[Session]
) -> None:
    chosen = Hyperparameters.model_validate({"batch_size": 8, **changes})
    data = to_device(dataset(96, side=16))
    assert kind_of_session(chosen, data, compiled=False) is kind
    ours, theirs = (each.open(chosen, data, 3) for each in (kind, Session))
    for session in (ours, theirs):
        session.train(STEPS)
    assert all(map(np.array_equal, ours.state(), theirs.state()))
    mine, others = (vars(each.evaluate("test")) for each in (ours, theirs))
    assert mine == pytest.approx(others, rel=1e-4)
    (losses, wrong), (expected, missed) = (each.validate(SOME) for each in (ours, theirs))
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)
    assert wrong.tolist() == missed.tolist()
    if kind is GradientSession:
        assert_near(ours.gradients(SOME), theirs.gradients(SOME))
    # The weights that are trained on, not their means.
    assert all(map(np.array_equal, ours.state(), theirs.state()))


def test_gradients_are_tensorflows_and_change_nothing() -> None:
    kernels, graph = open_both(momentum=0.9)
    before = kernels.state()
    assert_near(kernels.gradients(SOME), graph.gradients(SOME))
    assert all(map(np.array_equal, before, kernels.state()))


def test_goes_on_from_a_state_bit_for_bit_whatever_others_do() -> None:
    (whole, _), (parts, _), (resumed, _) = (open_both(momentum=0.9) for _ in range(3))
    whole.train(40)
    expected = whole.state()
    parts.train(11)
    resumed.restore(parts.state(), parts.step)
    resumed.train(29)
    for session in (whole, resumed):
        assert all(map(np.array_equal, expected, session.state()))


def test_a_divergence_is_seen_and_leaves_nothing_behind() -> None:
    diverging, before, after = (open_both(learning_rate=rate)[0] for rate in (1e38, 0.1, 0.1))
    before.train(3)
    assert not np.isfinite(diverging.train(STEPS).losses).all()
    after.train(3)
    assert all(map(np.array_equal, before.state(), after.state()))


@pytest.mark.parametrize(
    "changes",
    [
        *({"optimizer": "adam"}, {"weight_decay": 0.1}, {"l2": 0.1}, {"dropout": 0.5}),
        *({"normalization": "batch"}, {"accumulation": 2}, {"ema_half_life": 100.0}),
        *({"activation": "relu"}, {"pooling": "max"}, {"model": "lenet_theano"}),
        *({"optimizer_arguments": {"clipnorm": 1.0}}, {"model": "mypackage.models:build"}),
    ],
)
def test_serves_nothing_that_it_does_not_know(changes: dict[str, Any]) -> None:
    assert serves(Hyperparameters(activation="tanh"), (28, 28, 1))
    assert not serves(Hyperparameters(**changes), (28, 28, 1))


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        *(({"optimizer": "adam"}, True), ({"weight_decay": 0.1}, True), ({"l2": 0.1}, True)),
        *(({"dropout": 0.5}, True), ({"accumulation": 2}, True), ({"ema_half_life": 9.0}, True)),
        *(({"optimizer": "mypackage.optimizers:Mine"}, True), ({"activation": "relu"}, False)),
        *(({"normalization": "batch"}, False), ({"pooling": "max"}, False)),
        *(({"model": "lenet_theano"}, False), ({"model": "mypackage.models:build"}, False)),
    ],
)
def test_scores_whatever_trained_a_network_that_it_knows(
    changes: dict[str, Any], known: bool
) -> None:
    assert scores(Hyperparameters(**changes), (28, 28, 1)) == known


def test_serves_images_whose_halves_are_whole() -> None:
    # 27 - 4 + 4 = 27 has no half; 24 + 4 - 4 = 24, 12 - 4 = 8 has.
    assert not serves(Hyperparameters(), (27, 27, 1))
    assert serves(Hyperparameters(), (24, 24, 3))
