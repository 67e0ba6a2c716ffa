"""A model from its Keras configuration: how one that a notebook builds gets to other processes."""

from typing import Any

import keras


def build(image_shape: tuple[int, int, int], classes: int, configuration: str) -> keras.Model:
    """The model of `keras.Model.to_json`, with weights of its own.

    One for images without channels, [batch, height, width], is given them like that.
    """
    model: Any = keras.models.model_from_json(configuration)
    if len(getattr(model, "input_shape", ())) == len(image_shape):
        images = keras.Input(image_shape)
        return keras.Model(images, model(keras.layers.Reshape(image_shape[:2])(images)))
    return model
