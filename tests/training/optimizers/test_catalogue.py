import inspect
from typing import Any

import keras
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import default_rate
from batchmark.plan.grid import KERAS_OPTIMIZERS, OPTIMIZERS, optimizer_arguments
from batchmark.training.model import build_model
from batchmark.training.optimizers.catalogue import create, exempt_from_decay
from batchmark.training.optimizers.rprop import Rprop
from tests.training.tiny import hyperparameters

optimizers = keras.optimizers


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", optimizers.SGD),
        ("rmsprop", optimizers.RMSprop),
        ("adam", optimizers.Adam),
        ("adagrad", optimizers.Adagrad),
        ("adadelta", optimizers.Adadelta),
        ("rprop", Rprop),
        ("Lion", optimizers.Lion),
        ("batchmark.training.optimizers.rprop:Rprop", Rprop),
    ],
)
def test_optimizers_are_found_by_name(name: str, kind: type) -> None:
    made = create(hyperparameters(optimizer=name), 0.25, 8)
    assert type(made) is kind
    assert float(made.learning_rate) == 0.25


@pytest.mark.parametrize("name", [*OPTIMIZERS, *KERAS_OPTIMIZERS])
def test_default_rates_are_those_in_the_signatures(name: str) -> None:
    kind = type(create(hyperparameters(optimizer=name), "default", 8))
    assert default_rate(name) == inspect.signature(kind).parameters["learning_rate"].default


@pytest.mark.parametrize("name", [*OPTIMIZERS, *KERAS_OPTIMIZERS])
def test_arguments_checked_beforehand_are_those_in_the_signatures(name: str) -> None:
    kind = type(create(hyperparameters(optimizer=name), 0.1, 8))
    named = {
        *inspect.signature(kind).parameters,
        *inspect.signature(keras.optimizers.SGD).parameters,
    }
    ours = {"momentum", "nesterov"} - {*inspect.signature(kind).parameters}
    assert set(optimizer_arguments(name)) == named - ours - {"kwargs"}


def test_momentum_decay_and_own_arguments_reach_the_optimizer() -> None:
    chosen = hyperparameters(
        momentum=0.9, nesterov=True, weight_decay=0.01, optimizer_arguments={"clipnorm": 1.0}
    )
    made = create(chosen, 0.1, 8).get_config()
    assert (made["momentum"], made["nesterov"], made["weight_decay"]) == (0.9, True, 0.01)
    assert made["clipnorm"] == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "refuses its arguments .*momentum"),
        ({"optimizer_arguments": {"beta": 1}}, "'sgd' refuses its arguments .*beta"),
        ({"optimizer": "Sdg"}, "optimizer 'Sdg' is unknown"),
        ({"optimizer": "serialize"}, "'serialize' is unknown"),
        ({"optimizer": "nowhere:Optimizer"}, "cannot be loaded"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        create(hyperparameters(**changes), 0.1, 8)


def test_weight_decay_spares_biases_and_normalization_scales() -> None:
    chosen = hyperparameters(weight_decay=0.5, normalization="batch")
    model = build_model(chosen, (8, 8, 1), 3, seed=0)
    for variable in model.trainable_variables:
        variable.assign(keras.ops.ones(variable.shape))
    optimizer = create(chosen, 0.1, 8)
    exempt_from_decay(optimizer, model.trainable_variables)
    zeros = [keras.ops.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    shrunk = {v.path for v in model.trainable_variables if v.numpy().ravel()[0] < 0.99}
    assert shrunk == {"conv/kernel", "hidden/kernel", "logits/kernel"}
