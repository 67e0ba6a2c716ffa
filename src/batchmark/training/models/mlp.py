"""A multilayer perceptron, by default LeNet-300-100 (LeCun et al. 1998), 266,610 parameters."""

from collections.abc import Sequence

import keras

from batchmark.training.model import Blueprint


def mlp(blueprint: Blueprint, hidden: Sequence[int] = (300, 100)) -> keras.Model:
    """One fully connected layer for each entry of `hidden`, tanh."""
    images = blueprint.images()
    x = keras.layers.Flatten(name="flatten")(images)
    for number, units in enumerate(hidden, start=1):
        x = blueprint.dense(x, f"hidden{number}", units)
        x = blueprint.activate(x, f"hidden{number}", "tanh")
        x = blueprint.drop(x, f"hidden{number}_dropout")
    return keras.Model(images, blueprint.logits(x), name="mlp")
