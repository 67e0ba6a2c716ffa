"""How readers call what the configuration names."""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "sgd": "SGD",
    "adam": "Adam",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "rprop": "Rprop",
    "nesterov": "Nesterov",
    "momentum": "momentum",
    "lenet5": "LeNet-5",
    "lenet_theano": "LeNet (Theano)",
    "mlp": "MLP",
    "batch": "batch norm",
    "layer": "layer norm",
    "group": "group norm",
    "input": "scaled input",
    "sqrt": "square root",
}


def name(key: str) -> str:
    """The readers' name; what has none (numbers, users' own) stays."""
    return NAMES.get(key, key)
