"""Ways of training beside the engine's graph, as people write them, timed in the same rounds."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training import plugins
from batchmark.training.data import Data
from batchmark.training.model import AveragePooling, build_model
from batchmark.training.optimizers.catalogue import create
from batchmark.training.session import batch_size, training_images

# Keras's developers propose 0.2 to 1 s; steps are faster together than one by one.
EXECUTION_SECONDS = 0.4
CHECKED_STEPS = 3


@dataclass
class Loop(ABC):
    """A loop and the one model that it trains, on float32 images in 0 to 1 and class numbers.

    `steps_per_execution`: Keras's, how many steps a call of the graph runs; 0 without.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    images: NDArray[np.float32]
    labels: NDArray[np.integer]
    batch_size: int
    steps_per_execution: int = field(default=0, init=False)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return len(self.images) // self.batch_size

    @abstractmethod
    def train(self, steps: int) -> int | None:
        """Run so many steps; nanoseconds from the first to the last, None: those of the call."""


def open_loop(name: str, chosen: Hyperparameters, data: Data, seed: int, rate: float) -> Loop:
    """The loop with a model of its own. Raises UserError where it does not do what it should."""
    train = training_images(chosen, data)
    size = batch_size(chosen, len(train))
    ours = build_model(chosen, data.image_shape, data.classes, seed)
    model = keras.models.clone_model(ours, clone_function=_with_keras_layers)
    model.set_weights(ours.get_weights())
    given = (
        model,
        create(chosen, rate, size),
        train.images.numpy().astype(np.float32) / np.float32(255),
        train.labels.numpy(),
        size,
    )
    if ":" in name:
        return OwnLoop(*given, plugins.own(name, "loop"))
    fit = Fit(*given)
    if name == "fit-tuned":
        fit.tune()
    return fit


@dataclass
class Fit(Loop):
    """`keras.Model.fit` over arrays."""

    def __post_init__(self) -> None:
        self._compile(1)

    def tune(self) -> None:
        """Let one execution take about 0.4 s of single steps, and no more than an epoch."""
        self.train(2)
        steps = min(20, self.steps_per_epoch)
        step = self.train(steps) / steps / 1e9
        self._compile(min(max(1, ceil(EXECUTION_SECONDS / step)), self.steps_per_epoch))

    def train(self, steps: int) -> int:
        """Whole epochs, then a part of one; what `fit` does before a first batch is not counted."""
        epochs, rest = divmod(steps, self.steps_per_epoch)
        parts = [self.steps_per_epoch] * epochs + [rest] * bool(rest)
        return sum(self._fit(part * self.batch_size) for part in parts)

    def _compile(self, steps_per_execution: int) -> None:
        self.steps_per_execution = steps_per_execution
        self.model.compile(
            self.optimizer,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            steps_per_execution=steps_per_execution,
        )

    def _fit(self, images: int) -> int:
        watch = Stopwatch()
        self.model.fit(
            self.images[:images],
            self.labels[:images],
            batch_size=self.batch_size,
            verbose=0,
            callbacks=[watch],
        )
        return watch.last - watch.first


class Stopwatch(keras.callbacks.Callback):
    """When the first batch began and the last one ended, nanoseconds."""

    first = last = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keras calls it before each execution."""
        self.first = self.first or time.perf_counter_ns()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keras calls it after each execution."""
        self.last = time.perf_counter_ns()


@dataclass
class OwnLoop(Loop):
    """`train(model, optimizer, images, labels, batch_size, steps)` of the user's own."""

    function: Callable[..., object]

    def __post_init__(self) -> None:
        self.optimizer.build(self.model.trainable_variables)
        before = self.model.get_weights()
        self.train(CHECKED_STEPS)
        after = self.model.get_weights()
        if all(np.array_equal(old, new) for old, new in zip(before, after, strict=True)):
            raise UserError("its loop trains other weights than those of the model it is given.")

    def train(self, steps: int) -> None:
        """Raises UserError where the weights were updated more or less often."""
        before = self._updates()
        self.function(self.model, self.optimizer, self.images, self.labels, self.batch_size, steps)
        if (made := self._updates() - before) != steps:
            raise UserError(f"its loop updated the weights {made} times when asked for {steps}.")

    def _updates(self) -> int:
        return int(self.optimizer.iterations.numpy())


def _with_keras_layers(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A copy of a layer, Keras's own pooling in the place of ours."""
    kind = keras.layers.AveragePooling2D if isinstance(layer, AveragePooling) else type(layer)
    return kind.from_config(layer.get_config())
