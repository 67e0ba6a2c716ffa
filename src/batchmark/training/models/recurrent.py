"""Recurrent networks that read an image row by row: 128 units, then the logits."""

from typing import Any
from zlib import crc32

import keras
from keras import ops

from batchmark.training.model import Blueprint

UNITS = 128
"""What Keras's recurrent layers had by default in 2015."""


def lstm(blueprint: Blueprint) -> keras.Model:
    """Long short-term memory (Hochreiter & Schmidhuber 1997), 81,674 parameters on MNIST."""
    # Without cuDNN, which XLA does not compile; unrolled as in `mutated`.
    layer = keras.layers.LSTM(
        UNITS,
        use_cudnn=False,
        unroll=True,
        # Of a dropout that it does not have; unset, Keras draws one.
        seed=blueprint.seed_of("lstm"),
        name="lstm",
        recurrent_regularizer=blueprint.regularizer(),
        **settings(blueprint, "lstm"),
    )
    return read_rows(blueprint, "lstm", layer)


def gru(blueprint: Blueprint) -> keras.Model:
    """Gated recurrent units (Cho et al. 2014), 61,962 parameters on MNIST.

    In the variant that resets what the state is multiplied to, not the state: in Keras's code the
    published order slices a matrix at every row, which makes a step of 10 images take 4 times as
    long.
    """
    layer = keras.layers.GRU(
        UNITS,
        use_cudnn=False,
        unroll=True,
        # Of a dropout that it does not have; unset, Keras draws one.
        seed=blueprint.seed_of("gru"),
        name="gru",
        recurrent_regularizer=blueprint.regularizer(),
        **settings(blueprint, "gru"),
    )
    return read_rows(blueprint, "gru", layer)


def read_rows(blueprint: Blueprint, name: str, layer: keras.layers.Layer) -> keras.Model:
    """A model whose recurrent `layer` reads an image from its first row to its last, then logits.

    A row is one input of width × channels numbers. The last state of `layer` is classified.
    """
    images = blueprint.images()
    height, width, channels = blueprint.image_shape
    rows = keras.layers.Reshape((height, width * channels), name="rows")(images)
    x = blueprint.drop(layer(rows), f"{name}_dropout")
    return keras.Model(images, blueprint.logits(x), name=name)


def settings(blueprint: Blueprint, name: str) -> dict[str, Any]:
    """The arguments of a recurrent layer or cell of Keras that follow from the variant.

    As everywhere the name seeds the initial weights. By default they are Keras's: Glorot's uniform
    for what comes in, orthogonal for what comes back.
    """
    return {
        "activation": blueprint.chosen.activation or "tanh",
        "kernel_initializer": blueprint.initializer(name),
        "recurrent_initializer": blueprint.initializer(f"{name}_recurrent", "orthogonal"),
        "kernel_regularizer": blueprint.regularizer(),
    }


class MutatedCell(keras.layers.Layer):
    """A gated unit that was found by mutation (Jozefowicz, Zaremba & Sutskever 2015, section 3.3).

    A unit lists the paper's matrices `inputs` (W_x·) and `recurrents` (W_h·), which become
    `weights_of`, and computes `step`. `projects`: the step adds x_t itself to a state. Where it is
    not as wide as one, `project` makes it so with a fixed random matrix of ± 1 / √width, the way of
    the units JZS1 and JZS2 in the Keras of that year.
    """

    inputs: tuple[str, ...] = ()
    recurrents: tuple[str, ...] = ()
    projects = False

    def __init__(
        self,
        units: int,
        *,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        kernel_regularizer: Any = None,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.units = self.state_size = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.weights_of: dict[str, Any] = {}

    def build(self, input_shape: Any) -> None:
        """Make the variables for inputs of [batch, width]."""
        width = input_shape[-1]
        coming_in, coming_back = self.kernel_initializer, self.recurrent_initializer
        for name in self.inputs:
            self.weights_of[name] = self._matrix(name, width, coming_in)
        for name in self.recurrents:
            self.weights_of[name] = self._matrix(name, self.units, coming_back)
        for name in ("bz", "br", "bh"):
            self.weights_of[name] = self.add_weight(
                name=name, shape=(self.units,), initializer="zeros"
            )
        self.projection = self._signs(width) if self.projects and width != self.units else None

    # Keras asks for what its layers take besides.
    def call(  # pyrefly: ignore [bad-override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> tuple[Any, list[Any]]:
        """Keras's protocol: the output, which is the new state, and the list of states."""
        state = self.step(inputs, states[0], self.weights_of)
        return state, [state]

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """h_{t+1} of x_t [batch, width] and h_t [batch, units]."""
        raise NotImplementedError

    def project(self, x: Any) -> Any:
        """x_t as wide as a state."""
        return x if self.projection is None else x @ self.projection

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        parts = (
            "activation", "kernel_initializer", "recurrent_initializer", "kernel_regularizer",
        )  # fmt: skip
        saved = {part: keras.saving.serialize_keras_object(getattr(self, part)) for part in parts}
        return {**super().get_config(), "units": self.units, **saved}

    def _matrix(self, name: str, rows: int, initializer: Any) -> Any:
        # Of its own seed, or matrices of one shape would begin as one.
        seeded = {**initializer.get_config(), "seed": _seed(initializer, name)}
        return self.add_weight(
            name=f"{name}_kernel",
            shape=(rows, self.units),
            initializer=type(initializer).from_config(seeded),
            regularizer=self.kernel_regularizer,
        )

    def _signs(self, width: int) -> Any:
        signs = _Signs(_seed(self.kernel_initializer, "projection"))
        shape = (width, self.units)
        return self.add_weight(name="projection", shape=shape, initializer=signs, trainable=False)


class _Signs(keras.initializers.Initializer):
    """± 1 / √rows, each sign as likely as the other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        drawn = keras.random.uniform(shape, -1.0, 1.0, dtype=dtype, seed=self.seed)
        return ops.where(drawn < 0, -1.0, 1.0) / shape[0] ** 0.5


def _seed(initializer: Any, name: str) -> int:
    return crc32(f"{initializer.seed}/{name}".encode())


@keras.saving.register_keras_serializable("batchmark")
class Mut1Cell(MutatedCell):
    """Its update gate z does not see the state, and the input passes a tanh of its own."""

    inputs = ("xz", "xr")
    recurrents = ("hr", "hh")
    projects = True

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """The paper's three equations."""
        z: Any = ops.sigmoid(x @ w["xz"] + w["bz"])
        r = ops.sigmoid(x @ w["xr"] + h @ w["hr"] + w["br"])
        new = self.activation((r * h) @ w["hh"] + ops.tanh(self.project(x)) + w["bh"])
        return new * z + h * (1 - z)


@keras.saving.register_keras_serializable("batchmark")
class Mut2Cell(MutatedCell):
    """Its reset gate r sees the input without weights."""

    inputs = ("xz", "xh")
    recurrents = ("hz", "hr", "hh")
    projects = True

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """The paper's three equations."""
        z: Any = ops.sigmoid(x @ w["xz"] + h @ w["hz"] + w["bz"])
        r = ops.sigmoid(self.project(x) + h @ w["hr"] + w["br"])
        new = self.activation((r * h) @ w["hh"] + x @ w["xh"] + w["bh"])
        return new * z + h * (1 - z)


@keras.saving.register_keras_serializable("batchmark")
class Mut3Cell(MutatedCell):
    """Its update gate z sees the state through a tanh."""

    inputs = ("xz", "xr", "xh")
    recurrents = ("hz", "hr", "hh")

    def step(self, x: Any, h: Any, w: dict[str, Any]) -> Any:
        """The paper's three equations."""
        z: Any = ops.sigmoid(x @ w["xz"] + ops.tanh(h) @ w["hz"] + w["bz"])
        r = ops.sigmoid(x @ w["xr"] + h @ w["hr"] + w["br"])
        new = self.activation((r * h) @ w["hh"] + x @ w["xh"] + w["bh"])
        return new * z + h * (1 - z)


def mutated(blueprint: Blueprint, name: str, cell: type[MutatedCell]) -> keras.Model:
    """The model of a mutated unit."""
    # Unrolled: at small batches a loop within the engine's loop takes 1.3 to 1.6 times as long.
    layer = keras.layers.RNN(cell(UNITS, **settings(blueprint, name)), unroll=True, name=name)
    return read_rows(blueprint, name, layer)


def mut1(blueprint: Blueprint) -> keras.Model:
    """MUT1, in the Keras of that year JZS1."""
    return mutated(blueprint, "mut1", Mut1Cell)


def mut2(blueprint: Blueprint) -> keras.Model:
    """MUT2, in the Keras of that year JZS2."""
    return mutated(blueprint, "mut2", Mut2Cell)


def mut3(blueprint: Blueprint) -> keras.Model:
    """MUT3, in the Keras of that year JZS3."""
    return mutated(blueprint, "mut3", Mut3Cell)
