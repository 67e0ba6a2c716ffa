"""Own models with the signature `(image_shape, classes, **hyperparameters)`."""

import keras
import tensorflow as tf


def build(image_shape: tuple[int, int, int], classes: int, units: int = 4) -> keras.Model:
    images = keras.Input(image_shape)
    hidden = keras.layers.Dense(units)(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes)(hidden))


def without_input(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(classes)])


def of_another_size(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return build((5, 5, 1), classes)


def with_two_outputs(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    model = build(image_shape, classes)
    return keras.Model(model.inputs, [*model.outputs, *model.outputs])


def with_dropout(image_shape: tuple[int, int, int], classes: int, dropout: float) -> keras.Model:
    images = keras.Input(image_shape)
    dropped = keras.layers.Dropout(dropout)(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes)(dropped))


class Greedy(keras.layers.Layer):
    """Asks for 128 TiB, which no machine gives, once images come.

    How much depends on them: TensorFlow would try to work out a constant beforehand, many times.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        size = tf.constant(1 << 45, tf.int64) + tf.cast(tf.reduce_min(inputs), tf.int64)
        return inputs + tf.reduce_max(tf.random.stateless_uniform([size], (1, 2)))


def greedy(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    logits = keras.layers.Dense(classes)(keras.layers.Flatten()(Greedy()(images)))
    return keras.Model(images, logits)
