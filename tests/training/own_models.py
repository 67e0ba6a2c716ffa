"""Own models with the signature `(image_shape, classes, **hyperparameters)`."""

from collections.abc import Callable
from typing import Any

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


def in_half_precision(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Changes all that Keras keeps for the whole process, and TensorFlow's execution."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    keras.config.set_epsilon(0.1)
    keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(0)
    tf.config.run_functions_eagerly(True)
    tf.config.optimizer.set_jit(True)
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision": True})
    images = keras.Input(image_shape)
    hidden = keras.layers.Dense(4, activation="relu")(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes, dtype="float32")(hidden))


def in_float16(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("float16")
    return with_penalized_activities(image_shape, classes)


def with_penalized_activities(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    hidden = keras.layers.Dense(4, activity_regularizer="l2")(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes)(Penalized()(hidden)))


class Penalized(keras.layers.Layer):
    """Adds the mean of the squares of what passes to the loss."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:  # pyrefly: ignore [bad-override]
        self.add_loss(tf.reduce_mean(tf.square(inputs)))
        return inputs


class Levels(keras.layers.Layer):
    """Four levels of grey by number."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:  # pyrefly: ignore [bad-override]
        return tf.cast(inputs * 3, tf.int32)


def with_embedding(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Two numbers for each level of grey."""
    images = keras.Input(image_shape)
    levels = keras.layers.Flatten()(Levels()(images))
    embedded = keras.layers.Embedding(4, 2)(levels)
    return keras.Model(images, keras.layers.Dense(classes)(keras.layers.Flatten()(embedded)))


def with_too_small_a_table(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Its table ends before the lightest grey."""
    images = keras.Input(image_shape)
    embedded = keras.layers.Embedding(1, 2)(keras.layers.Flatten()(Levels()(images)))
    return keras.Model(images, keras.layers.Dense(classes)(keras.layers.Flatten()(embedded)))


class TwoHeaded(keras.Model):
    """Computes with a second head, whose answer it keeps to itself."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.used, self.unused = keras.layers.Dense(classes), keras.layers.Dense(2)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        flat = self.flatten(images)
        self.unused(flat)
        return self.used(flat)


def with_unused_head(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return TwoHeaded(classes)


class Untrainable(keras.layers.Layer):
    """Works until it is trained."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # pyrefly: ignore [bad-override]
        if training:
            raise TypeError("not made for this")
        return inputs


def untrainable(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    logits = keras.layers.Dense(classes)(keras.layers.Flatten()(Untrainable()(images)))
    return keras.Model(images, logits)


def with_probabilities(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    flat = keras.layers.Flatten()(images)
    return keras.Model(images, keras.layers.Dense(classes, activation="softmax")(flat))


def with_rescaling(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    inner = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten()])
    return keras.Model(images, keras.layers.Dense(classes)(inner(images)))


class Noise(keras.layers.Layer):
    """Adds what `draw` gives for a shape."""

    def __init__(self, draw: Callable[[tf.Tensor], Any]) -> None:
        super().__init__()
        self.draw = draw

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:  # pyrefly: ignore [bad-override]
        return inputs + 0.1 * self.draw(tf.shape(inputs)) if training else inputs


def _with(layer: keras.layers.Layer, shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(shape)
    flat = keras.layers.Flatten()(layer(images))
    return keras.Model(images, keras.layers.Dense(classes)(flat))


def with_tensorflow_noise(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return _with(Noise(tf.random.normal), image_shape, classes)


def with_keras_noise(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return _with(Noise(keras.random.normal), image_shape, classes)


def with_seeded_noise(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return _with(keras.layers.GaussianNoise(0.1), image_shape, classes)


def with_a_seed_of_its_own(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build(image_shape, classes)


class Greedy(keras.layers.Layer):
    """Asks for 128 TiB, which no machine gives, once images come.

    How much depends on them: TensorFlow would try to work out a constant beforehand, many times.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:  # pyrefly: ignore [bad-override]
        size = tf.constant(1 << 45, tf.int64) + tf.cast(tf.reduce_min(inputs), tf.int64)
        return inputs + tf.reduce_max(tf.random.stateless_uniform(tf.stack([size]), (1, 2)))


def greedy(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    logits = keras.layers.Dense(classes)(keras.layers.Flatten()(Greedy()(images)))
    return keras.Model(images, logits)
