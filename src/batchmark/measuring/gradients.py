"""Mini-batch gradients against the gradient of all data. No TensorFlow here.

Mini-batches are drawn as training draws them: consecutive pieces of a permutation, without
replacement. The mean gradient of a large mini-batch is the mean over smaller ones, so that one
pass over the data serves all large sizes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batchmark.results.gradients import BatchProbe

Vector = NDArray[np.float64]
Gradient = Callable[[NDArray[np.integer]], Vector]
"""The gradient of the mean loss over the training images of the given numbers, flat."""

CHUNK = 500
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class FullGradient:
    """The gradient over `images` images, [parameters].

    `chunks`: the gradients of its whole chunks of `chunk` images, [chunks, parameters].
    """

    images: int
    gradient: Vector
    chunk: int
    chunks: NDArray[np.float32]


def full_gradient(
    gradient: Gradient, images: int, random: np.random.Generator, chunk: int = CHUNK
) -> FullGradient:
    """One pass over all images, in chunks of `chunk` images that are drawn at random."""
    order = random.permutation(images)
    parts = [order[start : start + chunk] for start in range(0, images, chunk)]
    whole: list[NDArray[np.float32]] = []
    total = 0.0
    for part in parts:
        found = gradient(part)
        total = total + found * (len(part) / images)
        if len(part) == chunk:
            whole.append(found.astype(np.float32))
    return FullGradient(images, np.asarray(total), chunk, np.array(whole))


def probe_batch_size(
    gradient: Gradient,
    full: FullGradient,
    batch_size: int,
    draws: int,
    random: np.random.Generator,
) -> BatchProbe:
    """`draws` mini-batches of `batch_size` images; multiples of a chunk are made of chunks."""
    if batch_size % full.chunk:
        pieces = draw(full.images, batch_size, draws, random)
        found = map(gradient, pieces)
    else:
        pieces = draw(len(full.chunks), batch_size // full.chunk, draws, random)
        found = (full.chunks[piece].mean(axis=0, dtype=np.float64) for piece in pieces)
    return compare(batch_size, found, full.gradient)


def draw(
    items: int, size: int, draws: int, random: np.random.Generator
) -> Iterator[NDArray[np.integer]]:
    """`draws` pieces of `size` out of range(items), disjoint within each pass over the items."""
    order = np.array([], np.int64)
    for _ in range(draws):
        if len(order) < size:
            order = random.permutation(items)
        piece, order = order[:size], order[size:]
        yield piece


def compare(batch_size: int, gradients: Iterable[Vector], full: Vector) -> BatchProbe:
    """Angles and squared norms of mini-batch gradients; two at a time are in memory."""
    cosines: list[float] = []
    squares: list[float] = []
    successive: list[float] = []
    previous: Vector | None = None
    for gradient in gradients:
        cosines.append(cosine(gradient, full))
        squares.append(float(gradient @ gradient))
        if previous is not None:
            successive.append(cosine(previous, gradient))
        previous = gradient
    return BatchProbe(
        batch_size=batch_size,
        cosine=cosines,
        squared_norm=squares,
        successive_cosine=successive,
    )


def cosine(one: Vector, other: Vector) -> float:
    """Cosine of the angle between two gradients; 0 if one of them is zero."""
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.clip(one @ other / norms, -1, 1)) if norms else 0.0


def magnitude_quantiles(gradient: Vector) -> dict[str, float]:
    """Quantiles of |dL/dw| over single weights, keyed "0.01" to "0.99"."""
    values = np.quantile(np.abs(gradient), QUANTILES)
    return {f"{q:g}": float(value) for q, value in zip(QUANTILES, values, strict=True)}
