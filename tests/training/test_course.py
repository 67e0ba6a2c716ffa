"""What changes while a trial goes on, against Keras's own ways and by hand."""

from typing import Any

import keras
import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.training.data import Course, mislabelled, to_device
from batchmark.training.session import Session
from tests.training.test_session import relative_difference
from tests.training.tiny import dataset, hyperparameters

OWN = "tests.training.own_models"
PLAIN: dict[str, Any] = {"warm_up": 0, "change_every": 0, "rate_factor": 1.0, "batch_factor": 1}


def course(**changes: Any) -> Course:
    return Course(**{**PLAIN, "accumulation": 1, "steps_per_epoch": 10, **changes})


def weights(steps: int, **changes: Any) -> list[np.ndarray]:
    """The trained weights after `steps` steps in two calls; 96 images."""
    session = Session.open(hyperparameters(**changes), to_device(dataset()), seed=3)
    session.train(steps // 3)
    session.train(steps - steps // 3)
    return [variable.numpy() for variable in session.model.trainable_variables]


def test_the_warm_up_is_keras_polynomial_decay_upwards() -> None:
    rising: Any = keras.optimizers.schedules.PolynomialDecay(0.1 / 8, 7, 0.1)
    expected = [float(rising(step)) for step in range(12)]
    assert 0.1 * course(warm_up=8).rates(0, 12) == pytest.approx(expected)


def test_changes_of_the_rate_are_keras_exponential_decay_in_stairs() -> None:
    falling: Any = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True)
    expected = [float(falling(step)) for step in range(3, 20)]
    rates = course(change_every=5, rate_factor=0.5).rates(3, 17)
    assert 0.1 * rates == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"accumulation": 3}, [2, 5, 8, 11]),
        # Doubled after four steps, and again: two steps an update, four, then an epoch at most.
        ({"batch_factor": 2, "change_every": 4}, [0, 1, 2, 3, 5, 7, 11]),
        # A change finds a batch of which one step is there.
        ({"accumulation": 3, "batch_factor": 1, "change_every": 4, "rate_factor": 0.5},
         [2, 3, 6, 7, 10, 11]),
        ({"accumulation": 99}, [9]),
    ],
)  # fmt: skip
def test_updates_by_hand(changes: dict[str, Any], expected: list[int]) -> None:
    made = course(**changes)
    assert np.flatnonzero(made.updates(0, 12)).tolist() == expected
    parts = [*made.updates(0, 5), *made.updates(5, 7)]
    assert np.flatnonzero(parts).tolist() == expected


@pytest.mark.parametrize(
    "optimizer",
    [
        {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01, "l2": 0.01},
        {"optimizer": "adam", "learning_rate": 0.01},
    ],
    ids=str,
)
def test_accumulated_batches_are_one_large_batch(optimizer: dict[str, Any]) -> None:
    large = weights(36, batch_size=8, **optimizer)
    small = weights(144, batch_size=2, accumulation=4, **optimizer)
    assert relative_difference(small, large) <= 1e-5


def test_a_doubled_batch_is_twice_the_batch_and_half_the_updates() -> None:
    """Two epochs of twelve batches of eight, then two of six batches of sixteen."""
    session = Session.open(hyperparameters(batch_size=8), to_device(dataset()), seed=3)
    session.train(24)
    larger = Session.open(hyperparameters(batch_size=16), to_device(dataset()), seed=3)
    larger.restore(session.state(), step=12)
    larger.train(12)
    doubled = weights(48, batch_size=8, change_every=2.0, batch_factor=2)
    expected = [variable.numpy() for variable in larger.model.trainable_variables]
    assert relative_difference(doubled, expected) <= 1e-5


def test_the_rate_of_each_step_is_the_one_that_keras_takes() -> None:
    """The same as an own optimizer that halves its rate after each epoch of twelve steps."""
    stairs = weights(30, learning_rate=0.5, change_every=1.0, rate_factor=0.5)
    keras_ = weights(30, learning_rate=0.5, optimizer="tests.training.own_optimizers:Halving")
    assert relative_difference(stairs, keras_) <= 1e-6


@pytest.mark.parametrize(
    "changes",
    [{"warm_up": 0.0, "accumulation": 1}, {"label_noise": 0.0, "ema_half_life": 0.0}],
    ids=str,
)
def test_what_is_off_leaves_every_bit(changes: dict[str, Any]) -> None:
    session = Session.open(hyperparameters(**changes), to_device(dataset()), seed=3)
    assert session.batches.course is None
    plain, other = weights(20), weights(20, **changes)
    assert all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_state_within_an_update_goes_on_as_if_nothing_had_been(compiled: bool) -> None:
    chosen = hyperparameters(accumulation=5, warm_up=3.0, optimizer="adam", learning_rate=0.01)
    data = to_device(dataset())
    whole, parts = (Session.open(chosen, data, seed=3, compiled=compiled) for _ in range(2))
    whole.train(13)
    parts.train(7)
    state = parts.state()
    parts.restart(9)
    parts.train(3)
    parts.restart(3)
    parts.restore(state, step=7)
    parts.train(6)
    assert all(np.array_equal(a, b) for a, b in zip(whole.state(), parts.state(), strict=True))


@pytest.mark.parametrize("model", ["with_embedding", "with_unused_head"])
@pytest.mark.filterwarnings("ignore:Gradients do not exist", "ignore:Converting sparse")
def test_lookups_and_unused_heads_are_accumulated(model: str) -> None:
    chosen: dict[str, Any] = {"model": f"{OWN}:{model}", "learning_rate": 0.01}
    assert relative_difference(
        weights(12, batch_size=4, accumulation=2, **chosen), weights(6, batch_size=8, **chosen)
    ) <= 1e-5  # fmt: skip


def test_wrong_labels_are_as_many_as_asked_for_and_never_right() -> None:
    images = to_device(dataset()).train
    noisy = mislabelled(images, 0.3, classes=3)
    changed = noisy.labels.numpy() != images.labels.numpy()
    assert changed.sum() == 29  # of 96
    assert set(noisy.labels.numpy()) == {0, 1, 2}
    assert np.array_equal(mislabelled(images, 0.3, 3).labels, noisy.labels)
    with pytest.raises(UserError, match="label_noise needs data of two classes"):
        mislabelled(images, 0.3, classes=1)


def test_a_trial_sees_the_wrong_labels_and_is_judged_by_the_right_ones() -> None:
    data = to_device(dataset())
    session = Session.open(hyperparameters(label_noise=0.5), data, seed=3)
    assert (session.data.train.labels.numpy() != data.train.labels.numpy()).sum() == 48
    assert session.data.validation is data.validation


def test_half_lives_are_in_images() -> None:
    """Twenty steps of 8 images: 160 images, one half-life each."""
    chosen: dict[str, Any] = {"ema_half_life": 160.0, "beta_2_half_life": 160.0}
    made: Any = Session.open(
        hyperparameters(optimizer="adam", **chosen), to_device(dataset()), seed=3
    ).optimizer
    assert made.ema_momentum**20 == pytest.approx(0.5)
    assert made.beta_2**20 == pytest.approx(0.5)
    assert made.use_ema
    small = hyperparameters(optimizer="adam", batch_size=2, accumulation=4, **chosen)
    again = Session.open(small, to_device(dataset()), seed=3).optimizer
    assert again.ema_momentum == made.ema_momentum
