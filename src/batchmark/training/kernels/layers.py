"""Kernels of layers for float32 images, channels in the lanes of vectors.

All are sums of products kept in registers: of a row of positions in a convolution, of some images
in a fully connected layer, of the taps of filters for their gradient; weights or inputs are then
read once for all of them. Channels are padded to whole vectors with zeros, which stay zero: so are
the weights and gradients between them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import product
from typing import Any

from batchmark.training.kernels.vectors import Array, Code, Value

# Eight floats fill AVX's vectors; on processors with longer ones sixteen save instructions.
LANES = 8
# What leaves enough of 32 registers for what is read; of IMAGES the last may be one too many.
POSITIONS, TAPS, VECTORS, IMAGES = 14, 25, 5, 2
# Images whose activations wait for their gradients at once: those of LeNet-5 fit a core's cache.
CHUNK = 16
# Eigen's rational approximation of tanh, which TensorFlow uses too; beyond the limit it is ±1.
LIMIT = 7.90531110763549805
NUMERATOR = (
    *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08),
    *(1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
)
DENOMINATOR = (
    *(1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)


@dataclass
class Tensor:
    """[rows, columns, channels] for each of some images, channels padded to `depth`.

    In memory its `values`, and as their `slopes` the gradient. Floats of a `line`, of an image.
    """

    code: Code
    name: str
    rows: int
    columns: int
    channels: int
    images: int = 1
    lanes: int = LANES

    def __post_init__(self) -> None:
        self.depth = -(-self.channels // self.lanes) * self.lanes
        self.line = self.columns * self.depth
        self.size = self.rows * self.line
        self.values = self.code.array(f"{self.name}_values", self.images * self.size)
        self.slopes = self.code.array(f"{self.name}_slopes", self.images * self.size)


def add(
    sums: dict[int, Value],
    left: Array,
    right: Array,
    terms: Sequence[tuple[int, int, int]],
    read: Callable[[Array, int], Value] = Array.spread,
) -> None:
    """Add products of numbers, or what else is `read` on the left, with vectors to vectors.

    Of each of the `terms` the key of its sum, the place of its left and of its right factor.
    """
    lanes = next(iter(sums.values())).lanes
    one = cache(lambda place: read(left.at(place), lanes))
    other = cache(lambda place: right.at(place).load(lanes))
    for key, here, there in terms:
        sums[key] = one(here).fused(other(there), sums[key])


def store(sums: dict[int, Value], array: Array) -> None:
    """Write sums to the places that are their keys."""
    for place, value in sums.items():
        array.at(place).store(value)


def add_rows(code: Code, rows: Array, count: int | Value, total: Tensor) -> None:
    """The slopes of `total` grow by the sum of so many rows of its length."""
    with code.loop(total.size, step=LANES) as place:
        sums = {0: total.slopes.at(place).load(LANES)}
        with code.loop(count, sums) as n:
            sums[0] = sums[0] + rows.at(n * total.size + place).load(LANES)
        store(sums, total.slopes.at(place))


def parts(whole: Sequence[Any], most: int) -> list[Any]:
    """Nearly equal parts of so many elements."""
    size = -(-len(whole) // -(-len(whole) // most))
    return [whole[start : start + size] for start in range(0, len(whole), size)]


@dataclass
class Convolution:
    """Convolution with square filters, tanh and average pooling of 2 × 2; stride 1 and no padding.

    `full`: outputs before pooling; on the way back the gradient before the activation.
    """

    code: Code
    name: str
    inputs: Tensor
    units: int
    side: int
    first: bool = False

    def __post_init__(self) -> None:
        code, name, inputs, units = self.code, self.name, self.inputs, self.units
        rows, columns = inputs.rows - self.side + 1, inputs.columns - self.side + 1
        self.full = Tensor(code, f"{name}_full", rows, columns, units, CHUNK)
        self.outputs = Tensor(code, name, rows // 2, columns // 2, units, CHUNK)
        self.weights = Tensor(code, f"{name}_weights", self.side**2, inputs.channels, units)
        self.turned = Tensor(code, f"{name}_turned", self.side**2, units, inputs.channels)
        self.biases = Tensor(code, f"{name}_biases", 1, 1, units)
        self.lanes = 16 if self.full.depth % 16 == 0 else LANES

    def forward(self, images: Value) -> None:
        """From the inputs to the outputs of so many images."""
        with self.code.loop(images) as n:
            full = self.full.values.at(n * self.full.size)
            self._convolve(self.inputs.values.at(n * self.inputs.size), full)
            tanh(self.code, full, self.full.size // LANES)
            self._pool(full, self.outputs.values.at(n * self.outputs.size))

    def backward(self, images: Value) -> None:
        """From the outputs' slopes: the parameters' grow, the inputs' are set, but if `first`."""
        if not self.first:
            self._turn()
        with self.code.loop(images) as n:
            full = self.full.values.at(n * self.full.size)
            self._unpool(full, self.outputs.slopes.at(n * self.outputs.size))
            self._correlate(self.inputs.values.at(n * self.inputs.size), full)
            if not self.first:
                self._spread(full, self.inputs.slopes.at(n * self.inputs.size))

    def _convolve(self, x: Array, full: Array) -> None:
        """full[row, column] = biases + the sum of x[row + i, column + j] · weights[i, j]."""
        code, inputs, weights, depth = self.code, self.inputs, self.weights, self.full.depth
        for columns in parts(range(self.full.columns), POSITIONS):
            terms = [
                (column * depth, (column + j) * inputs.depth, j * weights.line)
                for j, column in product(range(self.side), columns)
            ]
            with code.loop(self.full.rows) as row, code.loop(depth, step=self.lanes) as unit:
                bias = self.biases.values.at(unit).load(self.lanes)
                sums = {column * depth: bias for column in columns}
                with code.loop(self.side, sums) as i, code.loop(inputs.channels, sums) as c:
                    place = i * (self.side * weights.line) + c * depth + unit
                    add(sums, x.at((row + i) * inputs.line + c), weights.values.at(place), terms)
                store(sums, full.at(row * self.full.line + unit))

    def _correlate(self, x: Array, d: Array) -> None:
        """The slopes of weights[i, j] grow by x[row + i, column + j] · d[row, column]."""
        code, inputs, full, slopes = self.code, self.inputs, self.full, self.weights.slopes
        places = product(range(self.side), range(self.side), range(inputs.channels))
        taps = [i * inputs.line + j * inputs.depth + c for i, j, c in places]
        for terms in parts([(n * full.depth, tap, 0) for n, tap in enumerate(taps)], TAPS):
            with code.loop(full.depth, step=self.lanes) as unit:
                sums = {place: slopes.at(unit + place).load(self.lanes) for place, _, _ in terms}
                with code.loop(full.rows, sums) as row, code.loop(full.columns, sums) as column:
                    left = x.at(row * inputs.line + column * inputs.depth)
                    add(sums, left, d.at(row * full.line + column * full.depth + unit), terms)
                store(sums, slopes.at(unit))
        add_rows(code, d, full.rows * full.columns, self.biases)

    def _spread(self, d: Array, slopes: Array) -> None:
        """slopes[row + i, column + j] = the sum of d[row, column] · turned[i, j]."""
        code, inputs, full, turned = self.code, self.inputs, self.full, self.turned
        terms = [
            ((column + j) * inputs.depth, column * full.depth, j * turned.line)
            for j, column in product(range(self.side), range(full.columns))
        ]
        with code.loop(inputs.rows) as row, code.loop(inputs.depth, step=LANES) as c:
            # Of the filter's rows those that reach this row from one of the outputs.
            low, high = (row - (full.rows - 1)).limited(0, row), (row + 1).limited(0, self.side)
            sums = {place: code.zero(LANES) for place, _, _ in terms}
            with code.loop(high - low, sums) as i, code.loop(full.channels, sums) as unit:
                place = (low + i) * (self.side * turned.line) + unit * turned.depth + c
                add(sums, d.at((row - low - i) * full.line + unit), turned.values.at(place), terms)
            store(sums, slopes.at(row * inputs.line + c))

    def _turn(self) -> None:
        """turned[tap, unit, channel] = weights[tap, channel, unit]."""
        weights, turned, code = self.weights, self.turned, self.code
        with code.loop(weights.rows) as tap, code.loop(self.units) as unit:
            for c in range(weights.columns):
                weight = weights.values.at(tap * weights.line + unit + c * weights.depth)
                turned.values.at(tap * turned.line + unit * turned.depth + c).store(weight.load())

    def _windows(self, full: Array) -> Iterator[tuple[list[Array], Value]]:
        """For each window of 2 × 2: its four vectors, and where their pool is."""
        code, outputs, line, depth = self.code, self.outputs, self.full.line, self.full.depth
        with code.loop(outputs.rows) as row, code.loop(outputs.columns) as column:
            for unit in range(0, depth, self.lanes):
                corner = full.at(row * (2 * line) + column * (2 * depth) + unit)
                four = [corner.at(place) for place in (0, depth, line, line + depth)]
                yield four, row * outputs.line + column * depth + unit

    def _pool(self, full: Array, y: Array) -> None:
        for four, place in self._windows(full):
            one, two, three, last = (each.load(self.lanes) for each in four)
            y.at(place).store((one + two + (three + last)) * 0.25)

    def _unpool(self, full: Array, slopes: Array) -> None:
        """The gradient before the activation in the place of the activated outputs."""
        for four, place in self._windows(full):
            share = slopes.at(place).load(self.lanes) * 0.25
            for each in four:
                each.store(sloped(each.load(self.lanes), share))


@dataclass
class Dense:
    """A fully connected layer, and tanh if it is `activated`."""

    code: Code
    name: str
    inputs: Tensor
    units: int
    activated: bool

    def __post_init__(self) -> None:
        code, name, inputs, units = self.code, self.name, self.inputs, self.units
        self.outputs = Tensor(code, name, 1, 1, units, CHUNK)
        rows = inputs.rows * inputs.columns
        self.weights = Tensor(code, f"{name}_weights", rows, inputs.depth, units)
        self.biases = Tensor(code, f"{name}_biases", 1, 1, units)
        self.vectors = range(0, self.outputs.depth, LANES)

    def forward(self, images: Value) -> None:
        """As a convolution's."""
        code, depth, inputs, biases = self.code, self.outputs.depth, self.inputs, self.biases
        for units in parts(self.vectors, VECTORS):
            tile = [*product(range(IMAGES), units)]
            terms = [(n * depth + unit, n * inputs.size, unit) for n, unit in tile]
            with code.loop(images, step=IMAGES) as first:
                sums = {n * depth + unit: biases.values.at(unit).load(LANES) for n, unit in tile}
                with code.loop(inputs.size, sums) as i:
                    x = inputs.values.at(first * inputs.size + i)
                    add(sums, x, self.weights.values.at(i * depth), terms)
                store(sums, self.outputs.values.at(first * depth))
        if self.activated:
            tanh(code, self.outputs.values, images * len(self.vectors))

    def backward(self, images: Value) -> None:
        """As a convolution's."""
        code, values, slopes = self.code, self.outputs.values, self.outputs.slopes
        if self.activated:
            with code.loop(images * self.outputs.depth, step=LANES) as i:
                slopes.at(i).store(sloped(values.at(i).load(LANES), slopes.at(i).load(LANES)))
        self._outer(images)
        add_rows(code, slopes, images, self.biases)
        self._inner(images)

    def _outer(self, images: Value) -> None:
        """The slopes of weights[i] grow by inputs[i] · slopes."""
        code, depth, inputs = self.code, self.outputs.depth, self.inputs
        for units in parts(self.vectors, VECTORS):
            terms = [(i * depth + unit, i, unit) for i, unit in product(range(4), units)]
            with code.loop(inputs.size, step=4) as i:
                slopes = self.weights.slopes.at(i * depth)
                sums = {place: slopes.at(place).load(LANES) for place, _, _ in terms}
                with code.loop(images, sums) as n:
                    x = inputs.values.at(n * inputs.size + i)
                    add(sums, x, self.outputs.slopes.at(n * depth), terms)
                store(sums, slopes)

    def _inner(self, images: Value) -> None:
        """The slopes of inputs[i] = the sum over units of weights[i] · slopes."""
        code, depth, inputs = self.code, self.outputs.depth, self.inputs
        tile = [*product(range(LANES), range(IMAGES))]
        terms = [(n * LANES + i, i * depth, n * depth) for i, n in tile]
        with code.loop(images, step=IMAGES) as first, code.loop(inputs.size, step=LANES) as i:
            sums = {key: code.zero(LANES) for key, _, _ in terms}
            with code.loop(depth, sums, step=LANES) as unit:
                slopes = self.outputs.slopes.at(first * depth + unit)
                add(sums, self.weights.values.at(i * depth + unit), slopes, terms, Array.load)
            for n in range(IMAGES):
                total = _totals([sums[n * LANES + row] for row in range(LANES)])
                inputs.slopes.at((first + n) * inputs.size + i).store(total)


def tanh(code: Code, array: Array, vectors: int | Value) -> None:
    """The tanh of so many vectors in their place."""
    with code.loop(vectors) as i:
        x = array.at(i * LANES).load(LANES).limited(-LIMIT, LIMIT)
        square = x * x
        over, under = (
            reduce(lambda y, more: y.fused(square, more), row[1:], x.like(row[0]))
            for row in (NUMERATOR, DENOMINATOR)
        )
        array.at(i * LANES).store(over * x / under)


def sloped(result: Value, slope: Value) -> Value:
    """The gradient before a tanh with such a result."""
    return slope * (result.like(1.0) - result * result)


def score(logits: Tensor, image: Value, label: Value, scale: Value) -> tuple[Value, Value]:
    """The cross-entropy of an image of the chunk, and 1 where it is classified rightly.

    The slopes of its logits become those of the mean loss; `scale`: one over the batch size.
    """
    row, slopes = logits.values.at(image * logits.size), logits.slopes.at(image * logits.size)
    values = [row.at(c).load() for c in range(logits.channels)]
    top, guess = values[0], label.like(0)
    for c, value in enumerate(values):
        more = value > top
        top, guess = more.choose(value, top), more.choose(c, guess)
    powers = [(value - top).intrinsic("exp") for value in values]
    total = reduce(Value.__add__, powers)
    for c, power in enumerate(powers):
        share = power / total
        slopes.at(c).store(label.equals(c).choose(share - 1.0, share) * scale)
    loss = total.intrinsic("log") - (row.at(label).load() - top)
    return loss, guess.equals(label).choose(1.0, total.like(0.0))


def _totals(vectors: list[Value]) -> Value:
    """The sum over the lanes of each of as many vectors as there are lanes."""
    even, odd = range(0, 2 * LANES, 2), range(1, 2 * LANES, 2)
    while len(vectors) > 1:
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [one.shuffled(other, even) + one.shuffled(other, odd) for one, other in pairs]
    return vectors[0]
