"""What recurrent models share: images read row by row, initial weights, the mutated units."""

from typing import Any
from zlib import crc32

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.weights import initializer, regularizer

UNITS = 128
"""What Keras's recurrent layers had by default in 2015."""


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
        "kernel_initializer": initializer(blueprint, name),
        "recurrent_initializer": initializer(blueprint, f"{name}_recurrent", "orthogonal"),
        "kernel_regularizer": regularizer(blueprint),
    }


def mutated(blueprint: Blueprint, name: str, cell: "type[MutatedCell]") -> keras.Model:
    """The model of a mutated unit."""
    # Unrolled: at small batches a loop within the engine's loop takes 1.3 to 1.6 times as long.
    layer = keras.layers.RNN(cell(UNITS, **settings(blueprint, name)), unroll=True, name=name)
    return read_rows(blueprint, name, layer)


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

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
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
