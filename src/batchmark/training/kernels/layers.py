"""Kernels of layers for float32 images, channels in the lanes of vectors.

Activations are [height, width, channels] and weights [..., channels], channels padded with zeros to
whole vectors. A convolution keeps a row of positions in registers, a fully connected layer some
images; weights or inputs are then read once for all of them. Padded channels stay zero: so do their
weights and gradients.
"""

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from batchmark.training.kernels.vectors import Cell, Function, Value

# Eight floats fill AVX's vectors; on processors with longer ones sixteen save instructions.
LANES = 8
# What leaves enough of 32 registers for what is read.
POSITIONS, TAPS, VECTORS = 14, 25, 5
# Eigen's rational approximation of tanh, which TensorFlow uses too; beyond the limit it is ±1.
LIMIT = 7.90531110763549805
NUMERATOR = (
    *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08),
    *(1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
)
DENOMINATOR = (
    *(1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)


def padded(channels: int) -> int:
    """The channels of whole vectors."""
    return -(-channels // LANES) * LANES


def parts(count: int, most: int) -> list[range]:
    """Nearly equal parts of `range(count)`."""
    size = -(-count // -(-count // most))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


@dataclass(unsafe_hash=True)
class Convolution:
    """Convolution, activation and pooling of 2 × 2, stride 1 and no padding.

    `height`, `width`, `stride`: of the input, from pixel to pixel as many floats, of which the
    first `channels` count. Of its output `rows` and `columns` before pooling, and the `depth` that
    `units` are padded to. Floats of an image's `inputs`, `outputs` and what is `kept` for the
    gradient; of `weights`, `biases` and `scratch`.
    """

    height: int
    width: int
    channels: int
    stride: int
    units: int
    size: int
    activation: str
    pooling: str

    def __post_init__(self) -> None:
        self.depth = self.biases = padded(self.units)
        self.lanes = 16 if self.depth % 16 == 0 else LANES
        self.rows, self.columns = self.height - self.size + 1, self.width - self.size + 1
        self.inputs = self.height * self.width * self.stride
        self.kept = self.rows * self.columns * self.depth
        self.outputs = self.kept // 4
        self.weights = self.size**2 * self.channels * self.depth
        self.scratch = self.size**2 * self.units * self.stride

    def forward(self, module: ir.Module, name: str) -> Function:
        """Of (inputs, weights, biases, kept, outputs, images)."""
        convolve, pool = (
            self._convolve(module, f"{name}_convolve"),
            self._pool(module, f"{name}_pool"),
        )
        k = Function(module, name, 5, 1)
        x, weights, biases, kept, y, images = k.arguments
        with k.loop(0, images) as n:
            full = k.at(kept, n * self.kept)
            k.call(convolve, k.at(x, n * self.inputs), weights, biases, full)
            k.call(pool, full, k.at(y, n * self.outputs))
        return k.end()

    def backward(self, module: ir.Module, name: str, first: bool) -> Function:
        """Of (inputs, weights, kept, outputs, their gradient, those to be, scratch, images).

        Those of weights and biases are added to, that of the inputs is written, unless `first`.
        """
        unpool, correlate = (
            self._unpool(module, f"{name}_unpool"),
            self._correlate(module, f"{name}_correlate"),
        )
        inputs = None if first else self._spread(module, f"{name}_spread")
        turn = None if first else self._turn(module, f"{name}_turn")
        k = Function(module, name, 9, 1)
        x, weights, kept, _, dy, dw, db, dx, scratch, images = k.arguments
        if turn:
            k.call(turn, weights, scratch)
        with k.loop(0, images) as n:
            full = k.at(kept, n * self.kept)
            k.call(unpool, full, k.at(dy, n * self.outputs))
            k.call(correlate, k.at(x, n * self.inputs), full, dw, db)
            if inputs:
                k.call(inputs, full, scratch, k.at(dx, n * self.inputs))
        return k.end()

    def _convolve(self, module: ir.Module, name: str) -> Function:
        """full[rows, columns, depth] = biases + inputs * weights[size, size, channels, depth]."""
        k = Function(module, name, 4)
        x, weights, biases, full = k.arguments
        pixel, tap = self.stride, self.channels * self.depth
        with k.loop(0, self.rows) as row:
            for columns in parts(self.columns, POSITIONS):
                with k.loop(0, self.depth, self.lanes) as f:
                    sums = k.cells([k.load(biases, f, self.lanes) for _ in columns])
                    with k.loop(0, self.size) as i, k.loop(0, self.channels) as c:
                        source, place = (
                            (row + i) * (self.width * pixel) + c,
                            i * (self.size * tap) + c * self.depth,
                        )
                        for j in range(self.size):
                            w = k.load(weights, place + f + j * tap, self.lanes)
                            for column, cell in zip(columns, sums, strict=True):
                                value = k.load(x, source + (column + j) * pixel)
                                cell.set(k.fused(k.spread(value, self.lanes), w, cell.get()))
                    for column, cell in zip(columns, sums, strict=True):
                        k.store(
                            cell.get(),
                            full,
                            row * (self.columns * self.depth) + f + column * self.depth,
                        )
        return k.end()

    def _correlate(self, module: ir.Module, name: str) -> Function:
        """The gradients of weights and biases grow by the image's."""
        k = Function(module, name, 4)
        x, d, dw, db = k.arguments
        lanes, row, pixel = self.lanes, self.width * self.stride, self.stride
        # All taps in registers, or those of a row of the filter.
        rows = self.size if self.size**2 * self.channels <= TAPS else 1
        taps = [
            (i * row + j * pixel + c, ((i * self.size + j) * self.channels + c) * self.depth)
            for i in range(rows)
            for j in range(self.size)
            for c in range(self.channels)
        ]
        with k.loop(0, self.depth, lanes) as f, k.loop(0, self.size, rows) as i:
            for part in parts(len(taps), TAPS):
                chosen = taps[part.start : part.stop]
                first = i * (self.size * self.channels * self.depth) + f
                sums = k.cells([k.load(dw, first + place, lanes) for _, place in chosen])
                with k.loop(0, self.rows) as r, k.loop(0, self.columns) as column:
                    gradient = k.load(d, (r * self.columns + column) * self.depth + f, lanes)
                    source = (r + i) * row + column * pixel
                    for cell, (tap, _) in zip(sums, chosen, strict=True):
                        value = k.spread(k.load(x, source + tap), lanes)
                        cell.set(k.fused(value, gradient, cell.get()))
                for cell, (_, place) in zip(sums, chosen, strict=True):
                    k.store(cell.get(), dw, first + place)
        _add_rows(k, d, db, self.depth, self.rows * self.columns)
        return k.end()

    def _spread(self, module: ir.Module, name: str) -> Function:
        """The gradient of the inputs from that of the full outputs and the turned weights."""
        k = Function(module, name, 3)
        d, turned, dx = k.arguments
        tap = self.units * self.stride
        with k.loop(0, self.height) as row:
            # Of the filter's rows those that reach this row from one of the outputs.
            zero, low, high = k.number(0), row - (self.rows - 1), row + 1
            low, high = (low > 0).choose(low, zero), (high < self.size).choose(high, self.size)
            for c in range(0, self.stride, LANES):
                sums = k.cells([k.constant(0.0, lanes=LANES) for _ in range(self.width)])
                with k.loop(low, high) as i, k.loop(0, self.units) as f:
                    source, place = (
                        (row - i) * (self.columns * self.depth) + f,
                        i * (self.size * tap) + f * self.stride,
                    )
                    for j in range(self.size):
                        w = k.load(turned, place + (j * tap + c), LANES)
                        for column in range(self.columns):
                            value = k.spread(k.load(d, source + column * self.depth), LANES)
                            sums[column + j].set(k.fused(value, w, sums[column + j].get()))
                for column, cell in enumerate(sums):
                    k.store(
                        cell.get(),
                        dx,
                        row * (self.width * self.stride) + (column * self.stride + c),
                    )
        return k.end()

    def _turn(self, module: ir.Module, name: str) -> Function:
        """turned[size, size, filters, stride] from weights[size, size, channels, depth]."""
        k = Function(module, name, 2)
        weights, turned = k.arguments
        with k.loop(0, self.size**2) as tap, k.loop(0, self.units) as f:
            for c in range(self.channels):
                value = k.load(weights, tap * (self.channels * self.depth) + f + c * self.depth)
                k.store(value, turned, (tap * self.units + f) * self.stride + c)
        return k.end()

    def _windows(self, k: Function) -> Any:
        """For each window of two by two: where its four vectors are, and where their pool is."""
        line = self.columns * self.depth
        with k.loop(0, self.rows // 2) as r, k.loop(0, self.columns // 2) as c:
            for f in range(0, self.depth, self.lanes):
                corner = r * (2 * line) + c * (2 * self.depth) + f
                four = [corner + (down + right) for down in (0, line) for right in (0, self.depth)]
                yield four, (r * (self.columns // 2) + c) * self.depth + f

    def _pool(self, module: ir.Module, name: str) -> Function:
        """Activates the full outputs in their place and pools them."""
        k = Function(module, name, 2)
        full, y = k.arguments
        for four, place in self._windows(k):
            values = [activated(k, self.activation, k.load(full, at, self.lanes)) for at in four]
            for value, at in zip(values, four, strict=True):
                k.store(value, full, at)
            one, two, three, four_ = values
            average = (one + two + (three + four_)) * 0.25
            k.store(average if self.pooling == "average" else _largest(values), y, place)
        return k.end()

    def _unpool(self, module: ir.Module, name: str) -> Function:
        """The gradient before the activation in the place of the activated outputs."""
        k = Function(module, name, 2)
        full, dy = k.arguments
        for four, place in self._windows(k):
            values, gradient = (
                [k.load(full, at, self.lanes) for at in four],
                k.load(dy, place, self.lanes),
            )
            largest = _largest(values)
            for value, at in zip(values, four, strict=True):
                share = gradient * 0.25
                if self.pooling == "max":
                    # To the first of equals, as TensorFlow's.
                    hit = value.equals(largest)
                    share, gradient = (
                        hit.choose(gradient, gradient.like(0.0)),
                        hit.choose(gradient.like(0.0), gradient),
                    )
                k.store(sloped(k, self.activation, value, share), full, at)
        return k.end()


@dataclass(unsafe_hash=True)
class Dense:
    """A fully connected layer of `inputs`, some of which may be padding, and its activation."""

    inputs: int
    units: int
    activation: str | None

    def __post_init__(self) -> None:
        self.depth = self.biases = self.outputs = padded(self.units)
        self.weights = self.inputs * self.depth
        self.kept = self.scratch = 0

    def forward(self, module: ir.Module, name: str) -> Function:
        """As a convolution's."""
        k = Function(module, name, 5, 1)
        x, weights, biases, _, y, images = k.arguments

        def tile(first: Value, count: int, most: int) -> None:
            for part in parts(self.depth // LANES, most):
                sums = [
                    k.cells([k.load(biases, v * LANES, LANES) for v in part]) for _ in range(count)
                ]
                with k.loop(0, self.inputs) as i:
                    rows = [k.load(weights, i * self.depth + v * LANES, LANES) for v in part]
                    for n, cells in enumerate(sums):
                        value = k.spread(k.load(x, (first + n) * self.inputs + i), LANES)
                        _add_products(k, cells, value, rows)
                for n, cells in enumerate(sums):
                    for v, cell in zip(part, cells, strict=True):
                        result = activated(k, self.activation, cell.get())
                        k.store(result, y, (first + n) * self.depth + v * LANES)

        rest = images - images.remainder(4)
        with k.loop(0, rest, 4) as n:
            tile(n, 4, VECTORS)
        with k.loop(rest, images) as n:
            tile(n, 1, 3 * VECTORS)
        return k.end()

    def backward(self, module: ir.Module, name: str, first: bool) -> Function:
        """As a convolution's."""
        weights, inputs = (
            self._outer(module, f"{name}_weights"),
            self._inner(module, f"{name}_inputs"),
        )
        k = Function(module, name, 9, 1)
        x, w, _, y, dy, dw, db, dx, _, images = k.arguments
        if self.activation:
            with k.loop(0, images * self.depth, LANES) as i:
                k.store(
                    sloped(k, self.activation, k.load(y, i, LANES), k.load(dy, i, LANES)), dy, i
                )
        k.call(weights, x, dy, dw, db, images)
        if not first:
            k.call(inputs, w, dy, dx, images)
        return k.end()

    def _outer(self, module: ir.Module, name: str) -> Function:
        """dw[inputs, depth] += the sum over images of x · dy; db likewise."""
        k = Function(module, name, 4, 1)
        x, dy, dw, db, images = k.arguments
        for part in parts(self.depth // LANES, VECTORS):
            with k.loop(0, self.inputs, 4) as i:
                sums = [
                    k.cells([k.load(dw, (i + e) * self.depth + v * LANES, LANES) for v in part])
                    for e in range(4)
                ]
                with k.loop(0, images) as n:
                    gradients = [k.load(dy, n * self.depth + v * LANES, LANES) for v in part]
                    for e, cells in enumerate(sums):
                        value = k.spread(k.load(x, n * self.inputs + i + e), LANES)
                        _add_products(k, cells, value, gradients)
                for e, cells in enumerate(sums):
                    for v, cell in zip(part, cells, strict=True):
                        k.store(cell.get(), dw, (i + e) * self.depth + v * LANES)
        _add_rows(k, dy, db, self.depth, images)
        return k.end()

    def _inner(self, module: ir.Module, name: str) -> Function:
        """dx[images, inputs] from the products of rows of weights with dy."""
        k = Function(module, name, 3, 1)
        weights, dy, dx, images = k.arguments

        def tile(first: Value, count: int) -> None:
            with k.loop(0, self.inputs, LANES) as i:
                sums = [k.cells([k.constant(0.0, lanes=LANES)] * LANES) for _ in range(count)]
                with k.loop(0, self.depth, LANES) as o:
                    gradients = [
                        k.load(dy, (first + n) * self.depth + o, LANES) for n in range(count)
                    ]
                    for e in range(LANES):
                        row = k.load(weights, (i + e) * self.depth + o, LANES)
                        _add_products(k, [cells[e] for cells in sums], row, gradients)
                for n, cells in enumerate(sums):
                    total = k.sums([cell.get() for cell in cells])
                    k.store(total, dx, (first + n) * self.inputs + i)

        rest = images - images.remainder(2)
        with k.loop(0, rest, 2) as n:
            tile(n, 2)
        with k.loop(rest, images) as n:
            tile(n, 1)
        return k.end()


Layer = Convolution | Dense


def activated(k: Function, kind: str | None, x: Value) -> Value:
    """The activation; of NaN, NaN."""
    if kind == "relu":
        return (x < 0.0).choose(x.like(0.0), x)
    if kind is None:
        return x
    x = (x > LIMIT).choose(x.like(LIMIT), x)
    x = (x < -LIMIT).choose(x.like(-LIMIT), x)
    square = x * x
    over, under = (_polynomial(k, square, row) for row in (NUMERATOR, DENOMINATOR))
    return over * x / under


def sloped(k: Function, kind: str | None, result: Value, gradient: Value) -> Value:
    """The gradient before an activation with such a result."""
    if kind == "tanh":
        return gradient * (result.like(1.0) - result * result)
    return (result > 0.0).choose(gradient, gradient.like(0.0)) if kind == "relu" else gradient


def scores(module: ir.Module, name: str, classes: int) -> Function:
    """Of (logits, labels, losses, hits, scale, images): cross-entropy and whether it is right.

    Logits become the gradient of the mean loss, `scale` is one over the images of a batch.
    """
    k = Function(module, name, 5, 1)
    z, labels, losses, hits, scale, images = k.arguments
    with k.loop(0, images) as n:
        label = k.long(k.load(labels, n, kind=ir.IntType(32)))
        logits = [k.load(z, n * padded(classes) + c) for c in range(classes)]
        top, guess = logits[0], k.number(0)
        for c, logit in enumerate(logits):
            more = logit > top
            top, guess = more.choose(logit, top), more.choose(guess.like(c), guess)
        powers = [k.intrinsic("exp", logit - top) for logit in logits]
        total = powers[0]
        for power in powers[1:]:
            total = total + power
        own = k.load(z, n * padded(classes) + label) - top
        k.store(k.intrinsic("log", total) - own, losses, n)
        k.store(guess.equals(label).choose(total.like(1.0), 0.0), hits, n)
        for c, power in enumerate(powers):
            share = power / total
            share = label.equals(c).choose(share - 1.0, share) * k.load(scale, 0)
            k.store(share, z, n * padded(classes) + c)
    return k.end()


def _polynomial(k: Function, x: Value, coefficients: tuple[float, ...]) -> Value:
    result = x.like(coefficients[0])
    for coefficient in coefficients[1:]:
        result = k.fused(result, x, x.like(coefficient))
    return result


def _largest(values: list[Value]) -> Value:
    one, two, three, four = values
    above, below = (one > two).choose(one, two), (three > four).choose(three, four)
    return (above > below).choose(above, below)


def _add_products(k: Function, cells: list[Cell], value: Value, others: list[Value]) -> None:
    for cell, other in zip(cells, others, strict=True):
        cell.set(k.fused(value, other, cell.get()))


def _add_rows(k: Function, rows: Value, total: Value, width: int, count: int | Value) -> None:
    """total[width] grows by the sum of rows[count, width]."""
    with k.loop(0, width, LANES) as place:
        (cell,) = k.cells([k.load(total, place, LANES)])
        with k.loop(0, count) as n:
            cell.add(k.load(rows, n * width + place, LANES))
        k.store(cell.get(), total, place)
