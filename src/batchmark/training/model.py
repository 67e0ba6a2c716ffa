"""From hyperparameters to a Keras model: initial weights, pooling, layers seeded by their names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any
from zlib import crc32

import keras
import numpy as np
import tensorflow as tf

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import (
    AXES,
    MODELS,
    NORMALIZATIONS,
    Activation,
    Hyperparameters,
    Normalization,
    Pooling,
)
from batchmark.training import plugins


@keras.saving.register_keras_serializable("batchmark")
class Scaled(keras.initializers.Initializer):
    """The weights of a Keras initializer multiplied by `scale`.

    `kind` is a Keras name such as "glorot_uniform"; initializers without randomness ignore `seed`.
    """

    def __init__(self, kind: str, scale: float = 1.0, seed: int | None = None) -> None:
        self.kind, self.scale, self.seed = kind, scale, seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Weights of `shape`."""
        # Its class anew, for Keras draws a seed of its own where none is given.
        initializer: Any = keras.initializers.get(self.kind)
        configuration = initializer.get_config()
        if "seed" in configuration:
            initializer = type(initializer).from_config({**configuration, "seed": self.seed})
        return initializer(shape, dtype=dtype) * self.scale

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {"kind": self.kind, "scale": self.scale, "seed": self.seed}


@keras.saving.register_keras_serializable("batchmark")
class AveragePooling(keras.layers.AveragePooling2D):
    """`keras.layers.AveragePooling2D` over 2 × 2 windows without overlap, the same numbers.

    Its gradient spreads a quarter of the output's gradient over each window with a broadcast;
    oneDNN's own operation for it takes 3 to 4 times as long and every tenth second of a
    training step of LeNet-5. Images of odd height or width take Keras's way.
    """

    def __init__(self, pool_size: Any = 2, **kwargs: Any) -> None:
        super().__init__(pool_size, **kwargs)
        _assert_pairs(self)

    def call(self, inputs: Any) -> Any:
        """Means of the windows of [batch, height, width, channels]."""
        height, width = inputs.shape[1:3]
        even = height % 2 == 0 and width % 2 == 0 and keras.config.backend() == "tensorflow"
        return _average(inputs) if even else super().call(inputs)


def _assert_pairs(pooling: keras.layers.Layer) -> None:
    """ValueError for what else Keras can pool over."""
    windows, steps = tuple(pooling.pool_size), tuple(pooling.strides)
    if not windows == steps == (2, 2) or pooling.data_format != "channels_last":
        raise ValueError("only 2 × 2 windows without overlap are supported, channels last")


@tf.custom_gradient
def _average(images: Any) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    height, width, channels = images.shape[1:]

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # [batch, rows, 1, columns, 1, channels] spreads over the two axes of length 1.
        windows = [-1, height // 2, 1, width // 2, 1, channels]
        spread = [tf.shape(upstream)[0], height // 2, 2, width // 2, 2, channels]
        quarter = tf.reshape(upstream * 0.25, windows)
        return tf.reshape(tf.broadcast_to(quarter, spread), [-1, height, width, channels])

    return tf.nn.avg_pool2d(images, 2, 2, "VALID"), gradient


@keras.saving.register_keras_serializable("batchmark")
class MaxPooling(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` over 2 × 2 windows without overlap, the same numbers.

    On a card its gradient goes to the first maximum of each window by comparison: of Keras's XLA
    has no deterministic form. Images of odd height or width take Keras's way.
    """

    def __init__(self, pool_size: Any = 2, **kwargs: Any) -> None:
        super().__init__(pool_size, **kwargs)
        _assert_pairs(self)

    def call(self, inputs: Any) -> Any:
        """Maxima of the windows of [batch, height, width, channels]."""
        height, width = inputs.shape[1:3]
        even = height % 2 == 0 and width % 2 == 0 and keras.config.backend() == "tensorflow"
        return _maximum(inputs) if even and _on_card() else super().call(inputs)


def _on_card() -> bool:
    """Whether this process computes on one, compiled."""
    return bool(tf.config.list_physical_devices("GPU"))


@tf.custom_gradient
def _maximum(images: Any) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    height, width, channels = images.shape[1:]
    windows = tf.reshape(images, [-1, height // 2, 2, width // 2, 2, channels])
    maxima = tf.reduce_max(windows, axis=[2, 4])

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        left, none, parts = upstream, tf.zeros_like(upstream), []
        for row, column in np.ndindex(2, 2):
            first = windows[:, :, row, :, column] == maxima
            parts.append(tf.where(first, left, none))
            left = tf.where(first, none, left)
        rows = [tf.stack(parts[:2], axis=3), tf.stack(parts[2:], axis=3)]
        return tf.reshape(tf.stack(rows, axis=2), [-1, height, width, channels])

    return maxima, gradient


@dataclass(frozen=True)
class Blueprint:
    """What a model of ours is built from: the variant's settings, and layers that heed them.

    Every layer is named, and the name seeds its initial weights. So two variants of one model start
    from the same weights even when one of them has more layers (dropout, normalization).
    """

    chosen: Hyperparameters
    image_shape: tuple[int, int, int]
    classes: int
    seed: int

    def images(self) -> Any:
        """The symbolic input, float32 [batch, height, width, channels]."""
        return keras.Input(self.image_shape, name="images")

    def convolution(self, x: Any, name: str, filters: int, size: int, padding: str) -> Any:
        """A convolution of `size` × `size` with bias, without activation."""
        layer = keras.layers.Conv2D(
            filters, size, padding=padding, name=name, **self._weights(name)
        )
        return layer(x)

    def dense(self, x: Any, name: str, units: int) -> Any:
        """A fully connected layer with bias, without activation."""
        return keras.layers.Dense(units, name=name, **self._weights(name))(x)

    def activate(self, x: Any, name: str, default: Activation) -> Any:
        """Normalization, if the variant has one, then the activation."""
        kind = NORMALIZATIONS[self.chosen.normalization]
        if kind.layer:
            x = _normalization(kind, f"{name}_normalization", x.shape[-1])(x)
        function = self.chosen.activation or default
        return keras.layers.Activation(function, name=f"{name}_activation")(x)

    def pool(self, x: Any, name: str, default: Pooling) -> Any:
        """Pooling over 2 × 2 windows without overlap."""
        kinds = {"average": AveragePooling, "max": MaxPooling}
        return kinds[self.chosen.pooling or default](2, name=name)(x)

    def drop(self, x: Any, name: str) -> Any:
        """Dropout, if the variant has any."""
        share = self.chosen.dropout
        if not share:
            return x
        return keras.layers.Dropout(share, seed=self.seed_of(name), name=name)(x)

    def logits(self, x: Any) -> Any:
        """The output layer: one logit a class, without softmax."""
        return self.dense(x, "logits", self.classes)

    def _weights(self, name: str) -> dict[str, Any]:
        return {
            "kernel_initializer": self.initializer(name),
            "kernel_regularizer": self.regularizer(),
        }

    def initializer(self, name: str, default: str = "glorot_uniform") -> Scaled:
        """The variant's, or else the `default`, with the seed of `name`."""
        kind = self.chosen.initializer or default
        return Scaled(kind, self.chosen.initializer_scale, self.seed_of(name))

    def regularizer(self) -> keras.regularizers.Regularizer | None:
        """The variant's penalties of kernels."""
        l1, l2 = self.chosen.l1, self.chosen.l2
        return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None

    def seed_of(self, name: str) -> int:
        """That of a layer: the same in every variant whose model has a layer of this name."""
        return crc32(f"{self.seed}/{name}".encode())


def _normalization(kind: Normalization, name: str, channels: int) -> keras.layers.Layer:
    arguments = dict(kind.arguments)
    if "groups" in arguments:
        # Of a width that they do not divide, as many as do.
        arguments["groups"] = gcd(channels, arguments["groups"])
    return getattr(keras.layers, str(kind.layer))(name=name, **arguments)


def build_model(
    hyperparameters: Hyperparameters,
    image_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    *,
    reset: bool = True,
) -> keras.Model:
    """A fresh model with the initial weights of `seed`, whatever was built before.

    Keras's settings stay as its code leaves them, for that it be traced under them. `reset` False:
    for a model of ours that was built before, which leaves and draws nothing but what is its own.

    Raises UserError when the model's own code raises, when what it returns is no Keras model,
    does not take the images or does not end in `classes` logits, and when it ignores the
    penalties l1 and l2.
    """
    name = hyperparameters.model
    if reset:
        plugins.reset()
        # For initializers and layers of own models that take no seed; NumPy takes 32 bits.
        keras.utils.set_random_seed(seed % 2**32)
    build = plugins.own(name, "model") if ":" in name else _built_in(name)
    try:
        model = _call(build, Blueprint(hyperparameters, image_shape, classes, seed))
        shape = _output_shape(model, name, image_shape)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"model {name!r} could not be built for images of shape {image_shape}: "
            f"{plugins.reason(error)}."
        ) from error
    _check(model, shape, hyperparameters, classes)
    return model


def _call(build: Callable[..., Any], blueprint: Blueprint) -> keras.Model:
    """`build(blueprint, …)` as our models are, or `build(image_shape, classes, …)`.

    The latter is passed every setting of layers that the variant makes, so that it either heeds it
    or refuses an argument it does not know: none is ignored in silence.
    """
    arguments = blueprint.chosen.model_arguments
    # By the name of the first parameter: an own model may be written as ours are.
    if next(iter(inspect.signature(build).parameters), "") == "blueprint":
        return build(blueprint, **arguments)
    ours = _settings_of_layers(blueprint.chosen)
    return build(blueprint.image_shape, blueprint.classes, **{**ours, **arguments})


def _settings_of_layers(chosen: Hyperparameters) -> dict[str, Any]:
    """What the variant asks of layers; a normalization of pixels is not the model's business."""
    settings = {name: value for name, value in chosen.changed().items() if AXES[name].layers}
    if not NORMALIZATIONS[chosen.normalization].layer:
        settings.pop("normalization", None)
    return settings


def _built_in(name: str) -> Any:
    if name not in MODELS:
        raise UserError(
            f"model {name!r} is unknown; choose {', '.join(MODELS)} or your own "
            "'package.module:build'."
        )
    return getattr(plugins.built_in("models", MODELS[name].module), name)


def _output_shape(model: Any, name: str, image_shape: tuple[int, int, int]) -> Any:
    """What becomes of a batch of images, told without computing; a model without input is built."""
    if not isinstance(model, keras.Model):
        raise UserError(f"model {name!r} returned {type(model).__name__}, not a keras.Model.")
    # A symbolic batch of unknown size: shapes follow, nothing is computed.
    output = model(keras.KerasTensor((None, *image_shape)))
    return keras.tree.map_structure(lambda tensor: tuple(tensor.shape), output)


def _check(model: Any, shape: Any, hyperparameters: Hyperparameters, classes: int) -> None:
    name = hyperparameters.model
    if shape != (None, classes):
        raise UserError(
            f"model {name!r} ends in shape {shape}; expected one logit for each of "
            f"the {classes} classes, (None, {classes})."
        )
    if (hyperparameters.l1 or hyperparameters.l2) and not model.losses:
        raise UserError(
            f"model {name!r} ignores l1 and l2; give its layers the blueprint's regularizer."
        )
