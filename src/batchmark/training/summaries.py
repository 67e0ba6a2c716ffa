"""Numbers that sum up a trained model."""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from batchmark.training.session import Session

# Activations of all images at once would not fit a small machine's memory.
GRADIENT_BATCH = 1000
SMALL_WEIGHT = 1e-3
CHANCE_MARGIN = 0.2


def chance_level(labels: NDArray[np.integer]) -> float:
    """The highest accuracy on images with these class numbers that counts as chance.

    Always guessing the most frequent class, and a margin for guessing at random: a fifth of its
    share, or of what is left to gain where that is less. 0 where there is but one class: any model
    may be right about it.
    """
    share = float(np.bincount(labels).max() / len(labels))
    return share + CHANCE_MARGIN * min(share, 1 - share) if share < 1 else 0.0


def mean_gradient(session: Session, images: int) -> list[NDArray[np.float64]]:
    """The gradient of the loss over the first `images` training images, one array a variable."""
    count = min(images, len(session.data.train))
    starts = range(0, count, GRADIENT_BATCH)
    parts = [np.arange(start, min(start + GRADIENT_BATCH, count)) for start in starts]
    total = [np.zeros(v.shape, np.float64) for v in session.model.trainable_variables]
    for part in parts:
        share = len(part) / count
        gradients = session.gradients(part)
        total = [sum_ + share * g for sum_, g in zip(total, gradients, strict=True)]
    return total


def layer_norms(
    model: keras.Model, gradients: Sequence[NDArray[np.floating]]
) -> dict[str, float | None]:
    """L2 norm of the gradient per layer, input to output; None where it is not finite."""
    squares: dict[str, float] = {}
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        # Kernel and bias of a layer share the path before their names.
        layer = variable.path.rpartition("/")[0] or variable.path
        squares[layer] = squares.get(layer, 0.0) + float(np.sum(np.square(gradient, dtype=float)))
    norms = {layer: float(np.sqrt(square)) for layer, square in squares.items()}
    return {layer: norm if np.isfinite(norm) else None for layer, norm in norms.items()}


def small_weight_share(model: keras.Model) -> float:
    """The share of kernel weights with |w| < 0.001: what a sparse model has many of."""
    # Biases and scales are few and no penalty makes them sparse.
    kernels = [v.numpy().ravel() for v in model.trainable_variables if len(v.shape) >= 2]
    return float(np.mean(np.abs(np.concatenate(kernels)) < SMALL_WEIGHT)) if kernels else 0.0
