"""`mlp` initialized by stacked denoising autoencoders (Vincent et al. 2010), 267,694 parameters."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.pretraining import Pretrained, pretrained


@keras.saving.register_keras_serializable("batchmark")
class Denoising(Pretrained):
    """Learns to rebuild its input from a code of it in which a share of the numbers is 0."""

    def __init__(self, units: int, corruption: float = 0.3, **others: Any) -> None:
        super().__init__(units, **others)
        self.corruption = corruption

    def misfit(self, x: Any) -> Any:
        """The squared error of an affine decoder with the encoder's matrix.

        Summed over the input and divided by the units of the code, with whose number its curvature
        grows: then it takes the rates that the classes take.
        """
        kept = ops.cast(self.uniform(x) >= self.corruption, x.dtype)
        code = self.activation(self.linear(x * kept))
        rebuilt: Any = ops.matmul(code, ops.transpose(self.kernel))
        error = ops.square(rebuilt + self.rebuilt - x)
        squares: Any = ops.mean(ops.sum(error, axis=-1))
        return squares / self.units

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {**super().get_config(), "corruption": self.corruption}


def build(
    blueprint: Blueprint,
    hidden: Sequence[int] = (300, 100),
    images: int = 25_000,
    corruption: float = 0.3,
) -> keras.Model:
    """One fully connected layer for each entry of `hidden`, tanh, pretrained by `images`."""
    layer = partial(Denoising, corruption=corruption)
    return pretrained(blueprint, "sda", hidden, images, layer)
