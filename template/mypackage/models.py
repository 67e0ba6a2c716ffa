import keras


def build(image_shape, classes, units=16):
    """One hidden layer."""
    images = keras.Input(image_shape)
    hidden = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(images))
    return keras.Model(images, keras.layers.Dense(classes)(hidden))
