"""What the author of a model may not have meant, told by what comes out of it and its layers."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from batchmark.results.schema import Caution
from batchmark.training.session import Session

IMAGES = 100
SMALL_SCALE = 0.1


def find_cautions(session: Session) -> list[Caution]:
    """At most one a kind."""
    return [*_softmax(session), *_rescaling(session.model)]


def _softmax(session: Session) -> Iterator[Caution]:
    """Outputs that are shares of 1 for every image."""
    outputs = session.logits(session.data.train.first(IMAGES))
    if outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-2):
        text = (
            "The model's outputs are probabilities and are trained as if they were logits, which "
            "is slow: leave out its softmax."
        )
        yield Caution(code="softmax_outputs", text=text)


def _rescaling(model: keras.Model) -> Iterator[Caution]:
    """A layer that would bring 0 to 255 to the range that pixels have already."""
    scales = [layer.scale for layer in _layers(model) if isinstance(layer, keras.layers.Rescaling)]
    small = [scale for scale in scales if np.max(np.abs(scale)) < SMALL_SCALE]
    if small:
        text = (
            f"The model multiplies its input by {np.max(small[0]):.3g} (Rescaling), but pixels "
            "arrive in 0 to 1: leave that layer out."
        )
        yield Caution(code="rescaled_pixels", text=text)


def _layers(layer: Any) -> Iterator[Any]:
    """The layer and all those inside."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers(inner)
