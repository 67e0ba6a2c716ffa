"""How readers call what the configuration names."""

from collections.abc import Mapping

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.optimizers import OPTIMIZERS
from batchmark.report.messages import Message, say

NAMES: Mapping[str, str] = {
    **{key: row.keras or key.capitalize() for key, row in OPTIMIZERS.items()},
    "nesterov": "Nesterov",
    "rmsprop-momentum": "RMSprop with momentum",
    "lenet5": "LeNet-5",
    "lenet_theano": "LeNet (Theano)",
    "mlp": "MLP",
    "batch": "batch norm",
    "layer": "layer norm",
    "group": "group norm",
    "input": "scaled input",
    "sqrt": "square root",
}
# Normalizations that leave the layers as they are.
OUTSIDE_LAYERS = ("none", "input")
_SAID = {
    "model": say("model"),
    "model_arguments": say("model arguments"),
    "optimizer": say("optimizer"),
    "optimizer_arguments": say("optimizer arguments"),
    "learning_rate": say("learning rate"),
    "batch_size": say("batch size"),
    "momentum": say("momentum"),
    "nesterov": Message("Nesterov"),
    "normalization": say("normalization"),
    "weight_decay": say("weight decay"),
    "l1": Message("L1"),
    "l2": Message("L2"),
    "dropout": say("dropout"),
    "initializer": say("initializer"),
    "initializer_scale": say("initial scale"),
    "activation": say("activation"),
    "pooling": say("pooling"),
    "train_size": say("training images"),
}
_OTHERS = [axis for axis in Hyperparameters.model_fields if axis not in _SAID]
SETTINGS: Mapping[str, Message] = _SAID | {
    axis: Message(axis.replace("_", " ")) for axis in _OTHERS
}
"""Every hyperparameter, in the order of the page's tables."""


def name(key: str) -> str:
    """The readers' name; what has none (numbers, users' own) stays."""
    return NAMES.get(key, key)
