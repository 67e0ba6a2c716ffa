from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from batchmark.training import model
from batchmark.training.model import AveragePooling, MaxPooling


@pytest.mark.parametrize("shape", [(3, 4, 6, 2), (1, 2, 2, 1), (2, 5, 7, 3)])
def test_values_and_gradients_are_those_of_keras(shape: tuple[int, ...]) -> None:
    images = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    ours, our_gradient = pooled(AveragePooling(2), images)
    theirs, their_gradient = pooled(keras.layers.AveragePooling2D(2), images)
    assert np.array_equal(ours, theirs)
    assert np.allclose(our_gradient, their_gradient, rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 6, 2), (2, 5, 7, 3)])
def test_on_a_card_maxima_and_their_gradients_are_those_of_keras(
    shape: tuple[int, ...], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "_on_card", lambda: True)
    # Of few different numbers, so that windows have several maxima.
    images = tf.constant(np.random.default_rng(0).integers(-2, 3, size=shape), tf.float32)
    ours, our_gradient = pooled(MaxPooling(2), images, compiled)
    theirs, their_gradient = pooled(keras.layers.MaxPooling2D(2), images)
    assert np.array_equal(ours, theirs)
    assert np.array_equal(our_gradient, their_gradient)


def pooled(
    layer: keras.layers.Layer, images: tf.Tensor, compiled: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """What the layer makes of the images, and the gradient of the sum of its squares."""

    def values_and_gradient(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            values = layer(images)
            loss = tf.reduce_sum(values**2)
        return values, tf.convert_to_tensor(tape.gradient(loss, images))

    run = tf.function(values_and_gradient, autograph=False, jit_compile=compiled)
    values, gradient = run(images)
    return values.numpy(), gradient.numpy()


@pytest.mark.parametrize("layer", [AveragePooling, MaxPooling])
@pytest.mark.parametrize(
    "windows", [{"pool_size": 3}, {"strides": 1}, {"data_format": "channels_first"}]
)
def test_other_windows_are_refused(
    layer: type[keras.layers.Layer], windows: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="only 2 × 2 windows"):
        layer(**windows)
