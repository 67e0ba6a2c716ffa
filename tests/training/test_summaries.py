import numpy as np
import pytest

from batchmark.training.data import to_device
from batchmark.training.session import Session
from batchmark.training.summaries import (
    chance_level,
    layer_norms,
    mean_gradient,
    small_weight_share,
)
from tests.training.tiny import dataset, hyperparameters


@pytest.fixture(scope="module")
def session() -> Session:
    return Session.open(hyperparameters(), to_device(dataset()), seed=1)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([10] * 10, 0.12),  # a tenth and a fifth of it
        ([1135, *[985] * 9], 1.2 * 1135 / 10_000),  # MNIST's, about
        ([50, 50], 0.6),
        ([75, 25], 0.8),  # a quarter is left to gain, a fifth of that is 0.05
        ([90, 10], 0.92),
        ([999, 1], 0.9992),
        ([20], 0.0),  # one class: being right about it is no chance, and no learning either
    ],
)
def test_chance_is_the_most_frequent_class_and_a_margin_below_what_is_left_to_gain(
    counts: list[int], expected: float
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    assert chance_level(labels) == pytest.approx(expected)


def test_mean_gradient_weighs_its_parts(session: Session) -> None:
    whole = session.gradients(np.arange(90))
    for ours, reference in zip(mean_gradient(session, 90), whole, strict=True):
        assert np.allclose(ours, reference, atol=1e-6)


def test_layer_norms_join_kernel_and_bias(session: Session) -> None:
    ones = [np.ones(v.shape) for v in session.model.trainable_variables]
    norms = layer_norms(session.model, ones)
    expected = {"conv": 40**0.5, "hidden": 390**0.5, "logits": 21**0.5}
    assert norms == pytest.approx(expected)
    ones[0][:] = np.nan
    assert layer_norms(session.model, ones)["conv"] is None


def test_small_weights_are_counted_in_kernels_only(session: Session) -> None:
    for variable in session.model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    assert small_weight_share(session.model) == 0.0  # biases included, the share would not be 0
    kernel = session.model.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, -0.0009))
    assert small_weight_share(session.model) == pytest.approx(36 / (36 + 384 + 18))
