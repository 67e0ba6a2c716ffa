"""Long short-term memory (Hochreiter & Schmidhuber 1997), 81,674 parameters on MNIST."""

import keras

from batchmark.training.model import Blueprint
from batchmark.training.recurrent import UNITS, read_rows, settings
from batchmark.training.weights import regularizer, seed


def build(blueprint: Blueprint) -> keras.Model:
    """128 units over the rows of an image, Keras's own layer."""
    # Without cuDNN, which XLA does not compile; unrolled as in `mutated`.
    layer = keras.layers.LSTM(
        UNITS,
        use_cudnn=False,  # pyright: ignore[reportArgumentType] Keras says str, means bool
        unroll=True,
        # Of a dropout that it does not have; unset, Keras draws one.
        seed=seed(blueprint, "lstm"),
        name="lstm",
        recurrent_regularizer=regularizer(blueprint),
        **settings(blueprint, "lstm"),
    )
    return read_rows(blueprint, "lstm", layer)
