"""Average pooling whose gradient is cheap on a processor."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("batchmark")
class AveragePooling(keras.layers.AveragePooling2D):
    """`keras.layers.AveragePooling2D` over 2 × 2 windows without overlap, the same numbers.

    Its gradient spreads a quarter of the output's gradient over each window with a broadcast;
    oneDNN's own operation for it takes 3 to 4 times as long and every tenth second of a
    training step of LeNet-5. Images of odd height or width take Keras's way.
    """

    def __init__(self, pool_size: Any = 2, **kwargs: Any) -> None:
        super().__init__(pool_size, **kwargs)
        if tuple(self.pool_size) != (2, 2) or tuple(self.strides) != (2, 2):
            raise ValueError("only 2 × 2 windows without overlap are supported")

    def call(self, inputs: Any) -> Any:
        """Means of the windows of [batch, height, width, channels]."""
        height, width = inputs.shape[1:3]
        even = height % 2 == 0 and width % 2 == 0
        return _average(inputs) if even else super().call(inputs)


@tf.custom_gradient
def _average(images: Any) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    height, width, channels = images.shape[1:]

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        windows = [-1, height // 2, 1, width // 2, 1, channels]
        spread = [tf.shape(upstream)[0], height // 2, 2, width // 2, 2, channels]
        quarter = tf.reshape(upstream * 0.25, windows)
        return tf.reshape(tf.broadcast_to(quarter, spread), [-1, height, width, channels])

    return tf.nn.avg_pool2d(images, 2, 2, "VALID"), gradient
