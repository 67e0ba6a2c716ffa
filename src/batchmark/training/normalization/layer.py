"""Layer normalization (Ba, Kiros & Hinton 2016) before each activation."""

import keras


def layer(name: str, channels: int) -> keras.layers.Layer:
    """Statistics per image over all units of the layer, scale and shift per channel.

    One group of all channels: for convolutions Keras's LayerNormalization would normalize each
    position by itself, which is not what the paper does.
    """
    return keras.layers.GroupNormalization(groups=1, name=name)
