"""An own model whose module changes Keras for everybody when it is imported."""

import keras

keras.mixed_precision.set_global_policy("mixed_float16")


def build(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Dense(classes)(keras.layers.Flatten()(images)))
