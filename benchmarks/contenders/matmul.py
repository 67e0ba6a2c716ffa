"""The machine's float32 matrix product, one thread: a step is one product of order 1024."""
# ruff: noqa: E402 - the switches come before TensorFlow

from batchmark.training import environment

environment.apply("cpu", threads=1)

import tensorflow as tf
from harness import Train, measure

ORDER = 1024


def prepare(batch_size: int) -> Train:
    matrix = tf.random.stateless_normal((ORDER, ORDER), (0, 1))

    @tf.function
    def product() -> tf.Tensor:
        return tf.linalg.matmul(matrix, matrix)

    def train(steps: int) -> None:
        for _ in range(steps):
            product()[0, 0].numpy()

    return train


if __name__ == "__main__":
    measure(prepare, lambda: {"flops_per_step": str(2 * ORDER**3)})
