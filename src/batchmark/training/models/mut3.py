"""MUT3 (Jozefowicz, Zaremba & Sutskever 2015), in Keras's words of that year JZS3."""

from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.recurrent import MutatedCell, mutated


@keras.saving.register_keras_serializable("batchmark")
class Mut3Cell(MutatedCell):
    """Its update gate z sees the state through a tanh."""

    inputs = ("xz", "xr", "xh")
    recurrents = ("hz", "hr", "hh")

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """The paper's three equations."""
        z: Any = ops.sigmoid(x @ w["xz"] + ops.tanh(h) @ w["hz"] + w["bz"])
        r = ops.sigmoid(x @ w["xr"] + h @ w["hr"] + w["br"])
        new = self.activation((r * h) @ w["hh"] + x @ w["xh"] + w["bh"])
        return new * z + h * (1 - z)


def build(blueprint: Blueprint) -> keras.Model:
    """128 units over the rows of an image."""
    return mutated(blueprint, "mut3", Mut3Cell)
