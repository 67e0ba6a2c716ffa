"""No normalization: pixels in [0, 1]."""

from batchmark.training.data import unit_range as pixels

__all__ = ["layer", "pixels"]


def layer(name: str, channels: int) -> None:
    """Nothing between a layer and its activation."""
