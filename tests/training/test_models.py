"""Parameter counts from the literature, and initial weights that pair the variants."""

from typing import Any

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.model import build_model
from tests.training.tiny import hyperparameters

MNIST = (28, 28, 1)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("lenet5", 61_706),  # 60,000 in LeCun 1998 + 900 of the full table + 806 of the output
        ("lenet_theano", 431_080),  # the same widths as Caffe's LeNet
        ("mlp", 266_610),  # LeNet-300-100
        ("sda", 266_610 + 784 + 300 + 1),  # and decoders' biases, and images seen
        ("dbn", 266_610 + 784 + 300 + 1),  # visible units' biases
        ("lstm", 4 * (28 + 128 + 1) * 128 + 1290),  # three gates and a candidate
        ("gru", 3 * (28 + 128 + 2) * 128 + 1290),  # two gates and a candidate, two biases each
        # Matrices from the input and from the state, biases, the fixed projection.
        ("mut1", (2 * 28 + 2 * 128 + 3 + 28) * 128 + 1290),
        ("mut2", (2 * 28 + 3 * 128 + 3 + 28) * 128 + 1290),
        ("mut3", (3 * 28 + 3 * 128 + 3) * 128 + 1290),
    ],
)
def test_parameters_as_in_the_literature(model: str, parameters: int) -> None:
    built = build_model(Hyperparameters(model=model), MNIST, 10, seed=0)
    assert built.count_params() == parameters


def test_mlp_takes_its_widths_as_an_argument() -> None:
    chosen = Hyperparameters(model="mlp", model_arguments={"hidden": [20]})
    assert build_model(chosen, MNIST, 10, seed=0).count_params() == 785 * 20 + 21 * 10


def kernels(seed: int, **changes: Any) -> list[np.ndarray]:
    model = build_model(hyperparameters(**changes), (8, 8, 1), 3, seed)
    return [v.numpy() for v in model.trainable_variables if v.path.endswith("kernel")]


@pytest.mark.parametrize(
    "changes",
    [
        {"normalization": "batch"},
        {"dropout": 0.5},
        {"optimizer": "adam"},
        {"batch_size": 4},
        {"activation": "relu", "pooling": "max"},
        {"l1": 0.1},
    ],
    ids=str,
)
def test_a_seed_gives_every_variant_the_same_initial_weights(changes: dict[str, Any]) -> None:
    for ours, reference in zip(kernels(7, **changes), kernels(7), strict=True):
        assert np.array_equal(ours, reference)


def test_other_seeds_and_layers_start_from_other_weights() -> None:
    assert not np.array_equal(kernels(7)[0], kernels(8)[0])
    square = build_model(
        Hyperparameters(model="mlp", model_arguments={"hidden": [9, 9]}), (3, 3, 1), 2, seed=1
    )
    first, second = (v.numpy() for v in square.trainable_variables[:4:2])
    assert not np.array_equal(first, second)


def test_initializer_and_its_scale_are_hyperparameters() -> None:
    glorot, he = kernels(7), kernels(7, initializer="he_normal")
    double = kernels(7, initializer_scale=2.0)
    assert not np.array_equal(glorot[0], he[0])
    assert np.allclose(double[0], 2 * glorot[0])
    ones = kernels(7, initializer="ones", initializer_scale=0.5)
    assert np.all(ones[0] == 0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "lenet6"}, "model 'lenet6' is unknown"),
        ({"model": "no_such_package:build"}, "cannot be loaded"),
        ({"model": "tests.training.broken_models:raises"}, "RuntimeError: out of ideas"),
        ({"model": "tests.training.broken_models:gives_up"}, r"\): RuntimeError\."),
        ({"model": "tests.training.broken_models:no_model"}, "returned int, not a keras.Model"),
        ({"model": "tests.training.broken_models:narrow"}, "one logit for each of the 3 classes"),
        ({"model": "tests.training.broken_models:unregularized", "l2": 0.1}, "ignores l1 and l2"),
        ({"model": "tests.training.broken_models:NUMBER"}, "not callable"),
        ({"model_arguments": {"depth": 3}}, "unexpected keyword argument 'depth'"),
        ({"initializer": "no_such"}, "could not be built"),
        ({"model": "lenet5"}, "could not be built for images of shape"),
    ],
    ids=str,
)
def test_models_that_cannot_be_used_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build_model(hyperparameters(**changes), (8, 8, 1), 3, seed=0)
    assert "\n" not in str(caught.value)
