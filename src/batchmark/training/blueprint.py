"""The vocabulary models are written in: layers that follow a variant's hyperparameters."""

from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import keras

from batchmark.training import plugins
from batchmark.training.initializers import Scaled
from batchmark.training.pooling import AveragePooling

Activation = Literal["tanh", "relu"]
Pooling = Literal["average", "max"]


@dataclass(frozen=True)
class Blueprint:
    """What a model is built from. Every layer is named: the name seeds its initial weights.

    So two variants of one model start from the same weights even when one of them has more
    layers (dropout, normalization) than the other.
    """

    image_shape: tuple[int, int, int]
    classes: int
    seed: int
    activation: Activation | None = None
    pooling: Pooling | None = None
    dropout: float = 0.0
    initializer: str | None = None
    initializer_scale: float = 1.0
    normalization: str = "none"
    l1: float = 0.0
    l2: float = 0.0

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
        normalization = plugins.built_in("normalization", self.normalization)
        layer = normalization.layer(f"{name}_normalization", x.shape[-1])
        x = x if layer is None else layer(x)
        return keras.layers.Activation(self.activation or default, name=f"{name}_activation")(x)

    def pool(self, x: Any, name: str, default: Pooling) -> Any:
        """Pooling over 2 × 2 windows without overlap."""
        kinds = {"average": AveragePooling, "max": keras.layers.MaxPooling2D}
        return kinds[self.pooling or default](2, name=name)(x)

    def drop(self, x: Any, name: str) -> Any:
        """Dropout, if the variant has any."""
        if not self.dropout:
            return x
        return keras.layers.Dropout(self.dropout, seed=self._seed(name), name=name)(x)

    def logits(self, x: Any) -> Any:
        """The output layer: one logit a class, without softmax."""
        return self.dense(x, "logits", self.classes)

    def _weights(self, name: str) -> dict[str, Any]:
        return {
            "kernel_initializer": self._initializer(name),
            "kernel_regularizer": self._regularizer(),
        }

    def _initializer(self, name: str) -> keras.initializers.Initializer:
        kind = self.initializer or "glorot_uniform"
        return Scaled(kind, self.initializer_scale, self._seed(name))

    def _regularizer(self) -> keras.regularizers.Regularizer | None:
        return keras.regularizers.L1L2(self.l1, self.l2) if self.l1 or self.l2 else None

    def _seed(self, name: str) -> int:
        return crc32(f"{self.seed}/{name}".encode())
