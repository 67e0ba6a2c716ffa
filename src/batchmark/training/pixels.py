"""From uint8 pixels to the network's input: (pixel - mean) / divisor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pixels:
    """Constants of the transformation, in units of uint8 pixel values."""

    mean: float
    divisor: float


def unit_range(images: NDArray[np.uint8]) -> Pixels:
    """Pixels in [0, 1], whatever the images."""
    return Pixels(0.0, 255.0)


def standardized(images: NDArray[np.uint8]) -> Pixels:
    """Mean 0 and standard deviation 1 over all pixels of `images`; constant images become 0."""
    counts = np.bincount(images.ravel(), minlength=256)
    values = np.arange(256)
    mean = float(np.average(values, weights=counts))
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    return Pixels(mean, deviation or 1.0)
