"""The optimizers that have a short name: one row each."""

from typing import NamedTuple


class Optimizer(NamedTuple):
    """`keras`: its class in keras.optimizers, None for one of our own. `momentum`: has it any?"""

    keras: str | None
    momentum: bool = False


OPTIMIZERS = {
    "sgd": Optimizer("SGD", momentum=True),
    "rmsprop": Optimizer("RMSprop", momentum=True),
    "adam": Optimizer("Adam"),
    "adagrad": Optimizer("Adagrad"),
    "adadelta": Optimizer("Adadelta"),
    "rprop": Optimizer(None),
}
