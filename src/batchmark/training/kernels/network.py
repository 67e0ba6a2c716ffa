"""Whole steps of training, and scores, of a chain of layers as two compiled functions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from batchmark.training.data import Pixels
from batchmark.training.kernels.layers import LANES, Convolution, Layer, scores
from batchmark.training.kernels.vectors import BYTE, INT, Compiled, Function, Value

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Labelled = tuple[NDArray[np.uint8], Integers]
"""Images, [n, height, width, channels], and their classes."""

# Images whose activations wait for their gradients at once: those of LeNet-5 fit a core's cache.
CHUNK = 16


@dataclass(frozen=True)
class Network:
    """Layers from images to logits, and plain SGD.

    A vector of parameters holds weights and biases of one layer after the other, padded as the
    layers want them. `momentum` 0: none.
    """

    image_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    classes: int
    pixels: Pixels
    momentum: float = 0.0
    nesterov: bool = False

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Where the weights and the biases of each layer begin."""
        sizes = [size for layer in self.layers for size in (layer.weights, layer.biases)]
        begins = np.cumsum([0, *sizes[:-1]]).tolist()
        return list(zip(begins[::2], begins[1::2], strict=True))

    @cached_property
    def parameters(self) -> int:
        """Floats of a vector of parameters."""
        return self.places[-1][1] + self.layers[-1].biases


class Program:
    """A network's compiled functions and their memory. Reading it, they do not interfere."""

    def __init__(self, network: Network) -> None:
        steps = _Steps(network)
        self._compiled = Compiled(steps.module)
        self._train, self._score = (
            self._compiled.function("train", 10, 2),
            self._compiled.function("score", 7, 1),
        )
        self._work = np.zeros(steps.floats, np.float32)
        self._gradients = np.zeros(network.parameters, np.float32)

    def train(
        self,
        parameters: Floats,
        velocity: Floats,
        data: Labelled,
        order: Integers,
        rates: Floats,
    ) -> tuple[Floats, Integers]:
        """Steps on the images `order`, [steps, batch size], that change the first two.

        Returns the mean loss and the number of hits of each step. `rates`: one a step.
        """
        losses, correct = np.zeros(len(order), np.float32), np.zeros(len(order), np.float32)
        arrays = (parameters, self._gradients, velocity, self._work, order)
        arrays += (*data, rates, losses, correct)
        self._train(*map(_address, arrays), *order.shape)
        return losses, correct.astype(np.int32)

    def score(
        self, parameters: Floats, data: Labelled, order: Integers
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """The loss on each image of `order`, and whether it is classified rightly."""
        losses, hits = np.zeros(len(order), np.float32), np.zeros(len(order), np.float32)
        arrays = (parameters, self._work, order, *data, losses, hits)
        self._score(*map(_address, arrays), len(order))
        return losses, hits > 0


@cache
def program(network: Network) -> Program:
    """The network's, compiled once a process."""
    return Program(network)


def _address(array: NDArray) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("arrays must be contiguous")
    return array.ctypes.data


class _Steps:
    """Builds the module of a network. `floats`: what its functions need of work memory."""

    def __init__(self, network: Network) -> None:
        self.network, self.module, self.floats = network, ir.Module(), 0
        layers = network.layers
        self._source = self._room(CHUNK * layers[0].inputs)
        self._kept = [self._room(CHUNK * layer.kept) for layer in layers]
        self._outputs = [self._room(CHUNK * layer.outputs) for layer in layers]
        self._slopes = [self._room(CHUNK * layer.outputs) for layer in layers[:-1]]
        self._scratch = [self._room(layer.scratch) for layer in layers]
        self._labels, self._losses, self._hits = (self._room(CHUNK) for _ in range(3))
        self._scale = self._room(1)
        # Logits become their own gradient.
        self._slopes.append(self._outputs[-1])
        self._classify = scores(self.module, "classify", network.classes)
        self._read = self._pixels()
        self._forward, self._backward = self._chain_forward(), self._chain_backward()
        self._train()
        self._score()

    def _room(self, floats: int) -> int:
        """Where so many floats begin."""
        place = self.floats
        self.floats += -(-floats // 16) * 16
        return place

    def _pixels(self) -> Function:
        """An image of bytes as floats within its border, which stays 0."""
        height, width, channels = self.network.image_shape
        first, line = self.network.layers[0], width * channels
        border = (first.height - height) // 2 if isinstance(first, Convolution) else 0
        k = Function(self.module, "pixels", 2)
        image, x = k.arguments
        with k.loop(0, height) as row:
            for start in range(0, line, LANES):
                lanes = min(LANES, line - start)
                values = k.floats(k.load(image, row * line + start, lanes, BYTE))
                pixels = self.network.pixels
                place = (row + border) * (line + 2 * border * channels) + border * channels + start
                k.store((values - pixels.mean) * float(np.float32(1 / pixels.divisor)), x, place)
        return k.end()

    def _chain_forward(self) -> Function:
        """Of (parameters, work, order, images, labels, first, count): logits and labels in work."""
        k = Function(self.module, "forward", 5, 2)
        parameters, work, order, images, labels, first, count = k.arguments
        with k.loop(0, count) as n:
            number = k.long(k.load(order, first + n, kind=INT))
            k.store(k.load(labels, number, kind=INT), work, n + self._labels, INT)
            pixels = int(np.prod(self.network.image_shape))
            inputs = self.network.layers[0].inputs
            k.call(
                self._read,
                k.at(images, number * pixels, BYTE),
                k.at(work, n * inputs + self._source),
            )
        for i, layer in enumerate(self.network.layers):
            function = layer.forward(self.module, f"forward{i}")
            k.call(
                function,
                k.at(work, self._inputs(i)),
                *(k.at(parameters, place) for place in self.network.places[i]),
                k.at(work, self._kept[i]),
                k.at(work, self._outputs[i]),
                count,
            )
        return k.end()

    def _chain_backward(self) -> Function:
        """Of (parameters, gradients, work, count): the gradients grow by those of the images."""
        k = Function(self.module, "backward", 3, 1)
        parameters, gradients, work, count = k.arguments
        for i, layer in reversed([*enumerate(self.network.layers)]):
            function = layer.backward(self.module, f"backward{i}", first=not i)
            weights, biases = self.network.places[i]
            # The first has no gradient of its inputs to write.
            places = (self._kept[i], self._outputs[i], self._slopes[i])
            k.call(
                function,
                k.at(work, self._inputs(i)),
                k.at(parameters, weights),
                *(k.at(work, place) for place in places),
                k.at(gradients, weights),
                k.at(gradients, biases),
                k.at(work, self._slopes[i - 1]),
                k.at(work, self._scratch[i]),
                count,
            )
        return k.end()

    def _inputs(self, i: int) -> int:
        return self._outputs[i - 1] if i else self._source

    def _chunks(self, k: Function, count: Value, each: Callable[[Value, Value], None]) -> None:
        """`each(first, count)` for as many images as fit the work memory at once."""
        whole = count - count.remainder(CHUNK)
        with k.loop(0, whole, CHUNK) as first:
            each(first, k.number(CHUNK))
        with k.loop(whole, count, CHUNK) as first:
            each(first, count - first)

    def _train(self) -> None:
        k = Function(self.module, "train", 10, 2)
        (
            parameters,
            gradients,
            velocity,
            work,
            order,
            images,
            labels,
            rates,
            losses,
            correct,
            steps,
            size,
        ) = k.arguments
        with k.loop(0, steps) as step:
            with k.loop(0, self.network.parameters, LANES) as i:
                k.store(k.constant(0.0, lanes=LANES), gradients, i)
            scale = k.constant(1.0) / k.floats(size)
            k.store(scale, work, self._scale)
            loss, hits = k.cells([k.constant(0.0)] * 2)

            def each(first: Value, count: Value) -> None:
                k.call(
                    self._forward,
                    parameters,
                    work,
                    order,
                    images,
                    labels,
                    step * size + first,
                    count,
                )
                self._scores(k, work, k.at(work, self._losses), k.at(work, self._hits), count)
                with k.loop(0, count) as n:
                    loss.add(k.load(work, n + self._losses))
                    hits.add(k.load(work, n + self._hits))
                k.call(self._backward, parameters, gradients, work, count)

            self._chunks(k, size, each)
            k.store(loss.get() * scale, losses, step)
            k.store(hits.get(), correct, step)
            self._update(k, parameters, gradients, velocity, k.load(rates, step))
        k.end()

    def _update(
        self, k: Function, parameters: Value, gradients: Value, velocity: Value, rate: Value
    ) -> None:
        """As Keras's SGD."""
        momentum = self.network.momentum
        with k.loop(0, self.network.parameters, LANES) as i:
            down = k.load(gradients, i, LANES) * k.spread(rate, LANES)
            change = down * -1.0
            if momentum:
                kept = k.load(velocity, i, LANES) * momentum - down
                k.store(kept, velocity, i)
                change = kept * momentum - down if self.network.nesterov else kept
            k.store(k.load(parameters, i, LANES) + change, parameters, i)

    def _score(self) -> None:
        k = Function(self.module, "score", 7, 1)
        parameters, work, order, images, labels, losses, hits, total = k.arguments

        def each(first: Value, count: Value) -> None:
            k.call(self._forward, parameters, work, order, images, labels, first, count)
            self._scores(k, work, k.at(losses, first), k.at(hits, first), count)

        self._chunks(k, total, each)
        k.end()

    def _scores(self, k: Function, work: Value, losses: Value, hits: Value, count: Value) -> None:
        places = (self._outputs[-1], self._labels)
        logits, labels = (k.at(work, place) for place in places)
        k.call(self._classify, logits, labels, losses, hits, k.at(work, self._scale), count)
