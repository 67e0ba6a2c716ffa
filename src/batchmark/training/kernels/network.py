"""LeNet-5 and SGD: whole steps of training, and scores, as two compiled functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchmark.training.data import Pixels
from batchmark.training.kernels.choice import BORDER, SIZE
from batchmark.training.kernels.layers import CHUNK, LANES, Convolution, Dense, Tensor, score
from batchmark.training.kernels.vectors import BYTE, FLOAT, LONG, Array, Code, Compiled, Value

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images, [n, height, width, channels], and their classes."""
Scores = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""The loss on each image, and whether it is classified rightly."""


@dataclass
class Program:
    """A LeNet-5 and its optimizer (`momentum` 0: none), compiled, and their memory."""

    image_shape: tuple[int, int, int]
    classes: int
    pixels: Pixels
    momentum: float
    nesterov: bool

    def __post_init__(self) -> None:
        self._code = Code()
        self._scale = self._code.array("scale", 1)
        self._layers = self._chain()
        self._parameters = [p for layer in self._layers for p in (layer.weights, layer.biases)]
        self._forward()
        self._backward()
        self._steps("train", training=True)
        self._steps("score", training=False)
        self._compiled = Compiled(self._code)

    def memory(
        self, kind: str, variables: Sequence[Any], cleared: bool = False
    ) -> Iterator[tuple[Any, NDArray[np.float32]]]:
        """Each of Keras's variables with that part of the memory which is like it.

        `kind`: parameters' "values", their "slopes" in the last step, or their "velocity", which
        Keras has none of without momentum.
        """
        for p, variable in zip(self._parameters, variables, strict=False):
            whole = self._compiled.array(f"{p.name}_{kind}", (p.rows, p.columns, p.depth))
            if cleared:
                # A divergence leaves NaN in the padding.
                whole.fill(0)
            inputs = int(np.prod(variable.shape[:-1])) // p.rows
            yield variable, whole[:, :inputs, : p.channels].reshape(variable.shape, copy=False)

    def run(self, data: Labelled, order: NDArray, rates: NDArray | None = None) -> Scores:
        """Score the images of `order`, [steps, images]; with `rates`, one a step, train on them."""
        losses, hits = np.zeros(order.shape, np.float32), np.zeros(order.shape, np.float32)
        self._compiled.array("scale", (1,))[:] = np.float32(1) / np.float32(order.shape[1])
        name, given = ("score", losses) if rates is None else ("train", rates)
        numbers = np.ascontiguousarray(order, np.int64)
        self._compiled.call(name, numbers, *data, given, losses, hits, *order.shape)
        return losses, hits > 0

    def _chain(self) -> list[Convolution | Dense]:
        code, (height, width, channels) = self._code, self.image_shape
        sides = height + 2 * BORDER, width + 2 * BORDER
        images = Tensor(code, "images", *sides, channels, CHUNK, lanes=1)
        c1 = Convolution(code, "c1", images, 6, SIZE, first=True)
        c3 = Convolution(code, "c3", c1.outputs, 16, SIZE)
        c5 = Dense(code, "c5", c3.outputs, 120, activated=True)
        f6 = Dense(code, "f6", c5.outputs, 84, activated=True)
        return [c1, c3, c5, f6, Dense(code, "logits", f6.outputs, self.classes, False)]

    def _read(self, image: Array, maps: Tensor, values: Array) -> None:
        """Bytes as floats within a border, which stays 0."""
        pixels, border = self.pixels, BORDER * maps.depth
        line = maps.line - 2 * border
        with self._code.loop(maps.rows - 2 * BORDER) as row:
            for start in range(0, line, LANES):
                read = image.at(row * line + start).load(min(LANES, line - start))
                scaled = (read - pixels.mean) * float(np.float32(1 / pixels.divisor))
                values.at((row + BORDER) * maps.line + (border + start)).store(scaled)

    def _forward(self) -> None:
        """Images of those numbers become logits, losses, hits and the slopes of logits."""
        code, maps, logits = self._code, self._layers[0].inputs, self._layers[-1].outputs
        kinds, pixels = [LONG, BYTE, LONG, FLOAT, FLOAT], int(np.prod(self.image_shape))
        with code.function("forward", kinds, 1) as (order, images, labels, losses, hits, count):
            with code.loop(count) as n:
                image = images.at(order.at(n).load() * pixels)
                self._read(image, maps, maps.values.at(n * maps.size))
            for layer in self._layers:
                layer.forward(count)
            with code.loop(count) as n:
                label = labels.at(order.at(n).load()).load()
                loss, hit = score(logits, n, label, self._scale.load())
                losses.at(n).store(loss)
                hits.at(n).store(hit)

    def _backward(self) -> None:
        """The slopes of parameters grow by those of so many images."""
        with self._code.function("backward", [], 1) as (count,):
            for layer in reversed(self._layers):
                layer.backward(count)

    def _steps(self, name: str, training: bool) -> None:
        """The function of image numbers [steps, size], images, labels and rates.

        It sets losses and hits of the images, and if `training` changes parameters.
        """
        code, kinds = self._code, [LONG, BYTE, LONG, FLOAT, FLOAT, FLOAT]
        with code.function(name, kinds, 2) as arguments:
            order, images, labels, rates, losses, hits, steps, size = arguments
            with code.loop(steps) as step:
                for parameter in self._parameters if training else ():
                    with code.loop(parameter.size, step=LANES) as i:
                        parameter.slopes.at(i).store(code.zero(LANES))
                with code.loop(size, step=CHUNK) as first:
                    count, place = (size - first).limited(0, CHUNK), step * size + first
                    scores = losses.at(place), hits.at(place)
                    code.call("forward", order.at(place), images, labels, *scores, count)
                    if training:
                        code.call("backward", count)
                if training:
                    self._update(rates.at(step).spread(LANES))

    def _update(self, rate: Value) -> None:
        """As Keras's SGD."""
        code = self._code
        for parameter in self._parameters:
            velocities = code.array(f"{parameter.name}_velocity", parameter.size)
            with code.loop(parameter.size, step=LANES) as i:
                value, velocity = parameter.values.at(i), velocities.at(i)
                down = parameter.slopes.at(i).load(LANES) * rate
                change = down * -1.0
                if self.momentum:
                    kept = velocity.load(LANES) * self.momentum - down
                    velocity.store(kept)
                    change = kept * self.momentum - down if self.nesterov else kept
                value.store(value.load(LANES) + change)


program = cache(Program)
"""Compiled once a process."""
