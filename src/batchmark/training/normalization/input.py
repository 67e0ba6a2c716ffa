"""Pixels with mean 0 and standard deviation 1 over the training images, no layer."""

from batchmark.training.data import standardized as pixels

__all__ = ["layer", "pixels"]


def layer(name: str, channels: int) -> None:
    """Nothing between a layer and its activation."""
