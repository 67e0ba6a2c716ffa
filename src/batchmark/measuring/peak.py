"""The fastest matrix product of this process: what its FLOP/s are compared with."""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from batchmark.contract.requests.message import Device
from batchmark.measuring.clock import elapsed_seconds

# A GPU finishes a small product sooner than it can be told to start it.
SIZES: dict[Device, tuple[int, ...]] = {"cpu": (512, 1024, 2048), "gpu": (2048, 4096, 8192)}
PRODUCTS: dict[Device, int] = {"cpu": 1, "gpu": 10}
REPETITIONS = 5


def matrix_product_peak(device: Device) -> float:
    """FLOP/s of the fastest square float32 products, of several sizes and repetitions."""
    return max(fastest(size, PRODUCTS[device]) for size in SIZES[device])


def fastest(size: int, products: int, repetitions: int = REPETITIONS) -> float:
    """FLOP/s of `products` matrix products one after the other, the best of `repetitions`."""
    # So scaled, a product has the spread of its factor.
    matrix = tf.random.stateless_normal((size, size), seed=(0, 1)) / size**0.5

    @tf.function
    def product() -> tf.Tensor:
        result = matrix
        for _ in range(products):
            result = tf.matmul(result, matrix)
        return tf.reduce_sum(result[0])

    product()
    seconds = min(elapsed_seconds(partial(_finish, product)) for _ in range(repetitions))
    return 2 * size**3 * products / seconds


def _finish(product: Callable[..., Any]) -> None:
    product().numpy()
