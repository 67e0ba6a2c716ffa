"""Layers that learn their input before they learn the task, within the steps of training.

While the first images of a trial pass, every hidden layer trains to model what the layer below
gives it, all at once: "continuous" greedy training, which its authors found at least as good as one
layer after the other (Bengio, Lamblin, Popovici & Larochelle 2007). Meanwhile the classes teach
only the output layer, so that an evaluation tells what the features are worth so far. Then they
teach the whole network, and the models of the input end. So pretraining takes steps and epochs like
any other training, is counted in the time, stops and goes on with it, and is done by `Model.fit` as
well. What it computes is computed in all steps, for steps of one trial are to cost the same: the
time of those after it is overstated.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint
from batchmark.training.weights import initializer, regularizer, seed


def pretrained(
    blueprint: Blueprint,
    name: str,
    hidden: Sequence[int],
    images: int,
    layer: Callable[..., "Pretrained"],
) -> keras.Model:
    """The network of `mlp`, from the same weights, whose hidden layers are of the kind `layer`.

    `images`: training images that pass before the classes teach more than the output layer.
    """
    pixels = blueprint.images()
    x = keras.layers.Flatten(name="flatten")(pixels)
    tuning = Stage(images, name="stage")(x)
    for number, units in enumerate(hidden, start=1):
        label = f"hidden{number}"
        made = layer(
            units,
            activation=blueprint.chosen.activation or "tanh",
            kernel_initializer=initializer(blueprint, label),
            kernel_regularizer=regularizer(blueprint),
            draws=seed(blueprint, f"{label}_draws"),
            name=label,
        )
        x = blueprint.drop(made(x, tuning), f"{label}_dropout")
    return keras.Model(pixels, blueprint.logits(x), name=name)


@keras.saving.register_keras_serializable("batchmark")
class Stage(keras.layers.Layer):
    """0.0 while the first `images` training images pass, then 1.0."""

    def __init__(self, images: int, **others: Any) -> None:
        super().__init__(**others)
        self.images = images

    def build(self, input_shape: Any) -> None:
        """A count of training images, no more than is asked for: a variable, for checkpoints."""
        self.seen = self.add_weight(
            name="seen", shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def call(self, x: Any, training: bool = False) -> Any:
        """A scalar, as of before this batch of [batch, …]."""
        before = ops.cast(self.seen >= self.images, self.compute_dtype)
        if training:
            shape: Any = ops.shape(x)
            self.seen.assign(ops.minimum(self.seen + shape[0], self.images))
        return before

    def compute_output_shape(self, input_shape: Any) -> tuple[()]:
        """A scalar's."""
        return ()

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {**super().get_config(), "images": self.images}


class Pretrained(keras.layers.Dense):
    """A fully connected layer that also trains by `misfit` until it is tuned.

    `draws` seeds its random numbers, `rebuilt` is the bias of what it makes of its code.
    """

    def __init__(self, units: int, draws: int = 0, **others: Any) -> None:
        super().__init__(units, **others)
        self.draws = draws
        self.generator = keras.random.SeedGenerator(draws)

    def build(self, input_shape: Any) -> None:
        """Weights for inputs of [batch, width]; the matrix is used both ways."""
        super().build(input_shape)
        self.rebuilt = self.add_weight(
            name="rebuilt_bias", shape=(input_shape[-1],), initializer="zeros"
        )

    def call(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: Any, tuning: Any, training: bool = False
    ) -> Any:
        """The layer's output; its gradient reaches weights and `x` where `tuning` is 1, not 0."""
        if training:
            self.add_loss((1 - tuning) * self.misfit(ops.stop_gradient(x)))
        code = super().call(x)
        # Exact, for the other summand is 0.
        return tuning * code + (1 - tuning) * ops.stop_gradient(code)

    def compute_output_shape(self, input_shape: Any, *_: Any) -> Any:
        """As without the stage."""
        return super().compute_output_shape(input_shape)

    def linear(self, x: Any) -> Any:
        """What the activation is given for the input [batch, width]."""
        product: Any = ops.matmul(x, self.kernel)
        return product + self.bias

    def misfit(self, x: Any) -> Any:
        """How badly the layer models its input [batch, width]: a scalar to descend."""
        raise NotImplementedError

    def uniform(self, like: Any) -> Any:
        """Random numbers in 0 to 1 in the shape of `like`."""
        return keras.random.uniform(ops.shape(like), seed=self.generator)

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {**super().get_config(), "draws": self.draws}
