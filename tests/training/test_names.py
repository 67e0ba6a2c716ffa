"""The names that a configuration may use are those that Keras knows."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from batchmark.plan.grid import INITIALIZERS, KERAS_OPTIMIZERS


def _works_by_itself(kind: Callable[..., Any]) -> bool:
    try:
        kind(learning_rate=0.1)
    except TypeError:
        return False
    return True


def test_optimizers_are_those_that_need_only_a_learning_rate() -> None:
    base = keras.optimizers.Optimizer
    classes = {one for _, one in inspect.getmembers(keras.optimizers, inspect.isclass)}
    found = {one.__name__ for one in classes if issubclass(one, base) and one is not base}
    usable = {name for name in found if _works_by_itself(getattr(keras.optimizers, name))}
    assert usable == set(KERAS_OPTIMIZERS)


def _makes_kernels(name: str) -> bool:
    try:
        initializer: Any = keras.initializers.get(name)
        for shape in ((3, 4), (5, 5, 3, 4)):
            initializer(shape)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def test_initializers_are_those_that_make_kernels_of_dense_and_convolutional_layers() -> None:
    names = {name for name in dir(keras.initializers) if name.islower() and name[0] != "_"}
    assert {name for name in names if _makes_kernels(name)} == set(INITIALIZERS)
