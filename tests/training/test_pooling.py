import keras
import numpy as np
import pytest
import tensorflow as tf

from batchmark.training.model import AveragePooling


@pytest.mark.parametrize("shape", [(3, 4, 6, 2), (1, 2, 2, 1), (2, 5, 7, 3)])
def test_values_and_gradients_are_those_of_keras(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=shape), tf.float32)
    found = []
    for layer in (AveragePooling(2), keras.layers.AveragePooling2D(2)):
        with tf.GradientTape() as tape:
            tape.watch(images)
            pooled = layer(images)
            loss = tf.reduce_sum(pooled**2)
        found.append((pooled.numpy(), tf.convert_to_tensor(tape.gradient(loss, images)).numpy()))
    (ours, our_gradient), (theirs, their_gradient) = found
    assert np.array_equal(ours, theirs)
    assert np.allclose(our_gradient, their_gradient, rtol=1e-6)


def test_other_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="only 2 × 2 windows"):
        AveragePooling(3)
    with pytest.raises(ValueError, match="only 2 × 2 windows"):
        AveragePooling(2, strides=1)
