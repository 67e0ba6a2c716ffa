"""Batch normalization (Ioffe & Szegedy 2015) before each activation."""

import keras

# Keras's 0.99 needs hundreds of steps to settle: longer than a short run at a large batch size.
MOMENTUM = 0.9


def layer(name: str, channels: int) -> keras.layers.Layer:
    """Statistics per channel over the batch; moving averages serve at evaluation."""
    return keras.layers.BatchNormalization(momentum=MOMENTUM, name=name)
