"""The fastest matrix product of this process: what its FLOP/s are compared with."""

from functools import partial

import tensorflow as tf

from batchmark.measuring.clock import elapsed_seconds

SIZES = (512, 1024, 2048)
REPETITIONS = 5


def matrix_product_peak(sizes: tuple[int, ...] = SIZES, repetitions: int = REPETITIONS) -> float:
    """FLOP/s of the fastest of `repetitions` square float32 products of each of `sizes`."""
    return max(_fastest(size, repetitions) for size in sizes)


def _fastest(size: int, repetitions: int) -> float:
    left = tf.random.stateless_normal((size, size), seed=(0, 1))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(left, left)[0]))
    product()
    seconds = min(elapsed_seconds(partial(_finish, product)) for _ in range(repetitions))
    return 2 * size**3 / seconds


def _finish(product: tf.types.experimental.PolymorphicFunction) -> None:
    product().numpy()
