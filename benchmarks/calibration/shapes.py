"""A data set of drawn shapes, 28 × 28 gray.

Circles, squares, triangles, crosses and rings, filled or striped, shifted, turned and in noise.
"""

import numpy as np
from numpy.typing import NDArray

EDGE, CLASSES = 28, 10
TRAIN, VALIDATION, TEST = 6000, 1000, 1000


def outline(kind: int, x: NDArray, y: NDArray) -> NDArray:
    """Whether points lie inside the shape of radius 1, in its own coordinates."""
    radius = np.hypot(x, y)
    inside = (
        radius < 0.9,
        np.maximum(abs(x), abs(y)) < 0.8,
        (y > -0.6) & (y < 0.9 - 1.7 * abs(x)),
        (np.minimum(abs(x), abs(y)) < 0.28) & (radius < 1),
        (radius < 1) & (radius > 0.55),
    )
    return inside[kind]


def image(label: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """One image of a class: the shape is `label % 5`, striped from 5 on."""
    size, turn = random.uniform(8, 11), random.uniform(-0.3, 0.3)
    middle = EDGE / 2 + random.uniform(-2, 2, 2)
    y, x = (np.indices((EDGE, EDGE)) - middle[:, None, None] + 0.5) / size
    x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    shape = outline(label % 5, x, y).astype(float)
    if label >= 5:
        shape *= np.sin(y * size * 2.1) > 0
    pixels = random.uniform(90, 200) * shape + random.normal(40, 25, shape.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def dataset(seed: int) -> dict[str, NDArray]:
    """Images uint8 [n, 28, 28] and labels of three sets, in Keras's names."""
    random = np.random.default_rng(seed)
    arrays = {}
    for name, count in (("train", TRAIN), ("val", VALIDATION), ("test", TEST)):
        labels = random.integers(0, CLASSES, count)
        arrays[f"x_{name}"] = np.array([image(label, random) for label in labels])
        arrays[f"y_{name}"] = labels.astype(np.uint8)
    return arrays
