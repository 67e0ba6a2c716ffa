"""A convolutional network of another shape than LeNet's: strides in place of pooling, ReLU."""

import keras


def build(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """16@3×3/2 – 32@3×3/2 – 32@3×3 – classes, 30,000 parameters on 28 × 28 pixels."""
    images = x = keras.Input(image_shape)
    for filters, stride in ((16, 2), (32, 2), (32, 1)):
        x = keras.layers.Conv2D(filters, 3, stride, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(classes)(x))
