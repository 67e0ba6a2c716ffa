"""When probes are taken, and what stops them."""

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.probing.probe import moments, probe
from batchmark.training.data import to_device
from batchmark.training.session import Session
from tests.probing.probing import request
from tests.training import tiny


def test_moments() -> None:
    assert moments(5.0) == [("initial", 0.0), ("first_epoch", 1.0), ("final", 5.0)]
    assert moments(0.5) == [("initial", 0.0), ("final", 0.5)]


def test_a_tuned_learning_rate_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="mlp-16: a probe needs a fixed learning_rate"):
        probe(request(learning_rate="tuned"), tiny.dataset())


def test_a_batch_larger_than_the_training_set_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="mlp-16 cannot be probed: batch size 16 exceeds 8"):
        probe(request(train_size=8), tiny.dataset())


def test_probes_end_where_training_diverges() -> None:
    result = probe(request(learning_rate=1e38, activation="relu"), tiny.dataset())
    assert [point.moment for point in result.trials[0].points] == ["initial"]


def test_penalties_are_part_of_the_gradient() -> None:
    # Ridge regression adds 2 x 0.01 x w to the gradient of every kernel, and nothing to biases.
    images, data = np.arange(16), to_device(tiny.dataset())
    plain = Session.open(tiny.hyperparameters(), data, seed=0)
    ridge = Session.open(tiny.hyperparameters(l2=0.01), data, seed=0)
    found = zip(
        ridge.model.trainable_variables,
        ridge.gradients(images),
        plain.gradients(images),
        strict=True,
    )
    for weights, with_penalty, without in found:
        penalty = 0.02 * weights.numpy() if "kernel" in weights.path else 0.0
        np.testing.assert_allclose(with_penalty, without + penalty, atol=1e-6)
