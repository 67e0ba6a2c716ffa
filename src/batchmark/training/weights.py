"""Initial weights and penalties of layers that a blueprint does not make itself."""

from zlib import crc32

import keras

from batchmark.training.model import Blueprint, Scaled


def seed(blueprint: Blueprint, name: str) -> int:
    """That of a layer, the same as of one of this name that the blueprint makes."""
    return crc32(f"{blueprint.seed}/{name}".encode())


def initializer(blueprint: Blueprint, name: str, default: str = "glorot_uniform") -> Scaled:
    """The variant's initializer, or else the `default`, with the seed of `name`."""
    chosen = blueprint.chosen
    return Scaled(chosen.initializer or default, chosen.initializer_scale, seed(blueprint, name))


def regularizer(blueprint: Blueprint) -> keras.regularizers.Regularizer | None:
    """The variant's penalties of kernels."""
    l1, l2 = blueprint.chosen.l1, blueprint.chosen.l2
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None
