"""The LeNet of Theano's deep learning tutorial, 431,080 parameters on MNIST.

The network of the original study: larger than LeNet-5, max pooling, one hidden layer.
"""

import keras

from batchmark.training.model import Blueprint


def lenet_theano(blueprint: Blueprint) -> keras.Model:
    """20@5×5 – pool – 50@5×5 – pool – 500 – 10, tanh and max pooling."""
    images = x = blueprint.images()
    for name, filters in (("c1", 20), ("c2", 50)):
        x = blueprint.convolution(x, name, filters, 5, "valid")
        x = blueprint.activate(x, name, "tanh")
        x = blueprint.pool(x, f"{name}_pool", "max")
    x = keras.layers.Flatten(name="flatten")(x)
    x = blueprint.dense(x, "hidden", 500)
    x = blueprint.activate(x, "hidden", "tanh")
    x = blueprint.drop(x, "hidden_dropout")
    return keras.Model(images, blueprint.logits(x), name="lenet_theano")
