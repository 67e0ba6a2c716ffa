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


def test_chance_is_the_share_of_the_largest_class_and_a_fifth(session: Session) -> None:
    largest = max(np.bincount(dataset().validation_labels)) / 40
    assert chance_level(session) == pytest.approx(1.2 * largest)


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
