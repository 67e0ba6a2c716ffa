"""MUT1 (Jozefowicz, Zaremba & Sutskever 2015), in Keras's words of that year JZS1."""

from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.recurrent import MutatedCell, mutated


@keras.saving.register_keras_serializable("batchmark")
class Mut1Cell(MutatedCell):
    """Its update gate z does not see the state, and the input passes a tanh of its own."""

    inputs = ("xz", "xr")
    recurrents = ("hr", "hh")
    projects = True

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """The paper's three equations."""
        z: Any = ops.sigmoid(x @ w["xz"] + w["bz"])
        r = ops.sigmoid(x @ w["xr"] + h @ w["hr"] + w["br"])
        new = self.activation((r * h) @ w["hh"] + ops.tanh(self.project(x)) + w["bh"])
        return new * z + h * (1 - z)


def build(blueprint: Blueprint) -> keras.Model:
    """128 units over the rows of an image."""
    return mutated(blueprint, "mut1", Mut1Cell)
