"""LeNet-5 with `keras.Model.fit`: as a newcomer writes it, or ("best") as fast as it gets."""

import os
import sys

if "best" in sys.argv:
    sys.argv.remove("best")
    BEST = True
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
else:
    BEST = False
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
from harness import IMAGES, Train, measure
from keras import layers

STEPS_PER_EXECUTION = 100


def lenet5() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def prepare(batch_size: int) -> Train:
    rng = np.random.default_rng(0)
    images = rng.random((IMAGES, 28, 28, 1), np.float32)
    labels = rng.integers(0, 10, IMAGES)
    model = lenet5()
    faster = {"steps_per_execution": STEPS_PER_EXECUTION, "jit_compile": False} if BEST else {}
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **faster,
    )

    def train(steps: int) -> None:
        epochs, rest = divmod(steps, IMAGES // batch_size)
        for part in [IMAGES // batch_size] * epochs + [rest] * bool(rest):
            count = part * batch_size
            model.fit(images[:count], labels[:count], batch_size, verbose=0)

    return train


if __name__ == "__main__":
    measure(prepare, lambda: {"keras": keras.__version__})
