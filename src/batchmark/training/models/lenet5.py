"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998), 61,706 parameters on MNIST.

The shape of the paper's network with three customary simplifications: every map of the second
convolution sees all maps of the first (the paper's partial table has 900 weights fewer), pooling
has no trained coefficients, and the output is a softmax rather than radial basis functions.
"""

import keras

from batchmark.training.model import Blueprint


def lenet5(blueprint: Blueprint) -> keras.Model:
    """C1 6@5×5 – S2 – C3 16@5×5 – S4 – C5 120 – F6 84 – 10, tanh and average pooling."""
    images = x = blueprint.images()
    x = blueprint.convolution(x, "c1", 6, 5, "same")
    x = blueprint.activate(x, "c1", "tanh")
    x = blueprint.pool(x, "s2", "average")
    x = blueprint.convolution(x, "c3", 16, 5, "valid")
    x = blueprint.activate(x, "c3", "tanh")
    x = blueprint.pool(x, "s4", "average")
    x = keras.layers.Flatten(name="flatten")(x)
    for name, units in (("c5", 120), ("f6", 84)):
        x = blueprint.dense(x, name, units)
        x = blueprint.activate(x, name, "tanh")
        x = blueprint.drop(x, f"{name}_dropout")
    return keras.Model(images, blueprint.logits(x), name="lenet5")
