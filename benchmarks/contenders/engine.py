"""LeNet-5 in batchmark's engine, one thread."""
# ruff: noqa: E402 - the switches come before TensorFlow

from batchmark.training import environment

environment.apply("cpu", threads=1)

import numpy as np
import tensorflow as tf
from harness import IMAGES, Train, measure

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import Data, split_to_device
from batchmark.training.session import Session


def prepare(batch_size: int) -> Train:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 28, 28, 1)).astype(np.uint8)
    split = split_to_device(images, rng.integers(0, 10, IMAGES), classes=10)
    data = Data(split, split.first(1000), split.first(1000), classes=10)
    session = Session.open(Hyperparameters(batch_size=batch_size), data, seed=1)
    return lambda steps: (session.train(steps), None)[1]


if __name__ == "__main__":
    measure(prepare, lambda: {"tensorflow": tf.__version__})
