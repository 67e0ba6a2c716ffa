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
from functools import partial
from typing import Any

import keras
from keras import ops

from batchmark.training.model import Blueprint


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

    def call(  # pyrefly: ignore [bad-override]
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


def pretrained(
    blueprint: Blueprint,
    name: str,
    hidden: Sequence[int],
    images: int,
    layer: Callable[..., Pretrained],
) -> keras.Model:
    """The network of `mlp`, from the same weights, whose hidden layers are of the kind `layer`.

    `images`: training images that pass before the classes teach more than the output layer.
    """
    pixels = blueprint.images()
    x = keras.layers.Flatten(name="flatten")(pixels)
    tuning = Stage(images, name="stage")(x)
    for number, units in enumerate(hidden, start=1):
        label = f"hidden{number}"
        coder = layer(
            units,
            activation=blueprint.chosen.activation or "tanh",
            kernel_initializer=blueprint.initializer(label),
            kernel_regularizer=blueprint.regularizer(),
            draws=blueprint.seed_of(f"{label}_draws"),
            name=label,
        )
        x = blueprint.drop(coder(x, tuning), f"{label}_dropout")
    return keras.Model(pixels, blueprint.logits(x), name=name)


@keras.saving.register_keras_serializable("batchmark")
class Denoising(Pretrained):
    """Learns to rebuild its input from a code of it in which a share of the numbers is 0."""

    def __init__(self, units: int, corruption: float = 0.3, **others: Any) -> None:
        super().__init__(units, **others)
        self.corruption = corruption

    def misfit(self, x: Any) -> Any:
        """The squared error of an affine decoder with the encoder's matrix.

        Summed over the input and divided by the units of the code, with whose number its curvature
        grows: then it takes the rates that the classes take.
        """
        kept = ops.cast(self.uniform(x) >= self.corruption, x.dtype)
        code = self.activation(self.linear(x * kept))
        rebuilt: Any = ops.matmul(code, ops.transpose(self.kernel))
        error = ops.square(rebuilt + self.rebuilt - x)
        squares: Any = ops.mean(ops.sum(error, axis=-1))
        return squares / self.units

    def get_config(self) -> dict[str, Any]:
        """Keras's serialization."""
        return {**super().get_config(), "corruption": self.corruption}


def sda(
    blueprint: Blueprint,
    hidden: Sequence[int] = (300, 100),
    images: int = 25_000,
    corruption: float = 0.3,
) -> keras.Model:
    """Stacked denoising autoencoders (Vincent et al. 2010), 267,694 parameters."""
    layer = partial(Denoising, corruption=corruption)
    return pretrained(blueprint, "sda", hidden, images, layer)


@keras.saving.register_keras_serializable("batchmark")
class Boltzmann(Pretrained):
    """A restricted Boltzmann machine whose hidden units are ± 1, so that their mean is a tanh."""

    def misfit(self, x: Any) -> Any:
        """What has the gradient of contrastive divergence with one step (CD-1, Hinton 2002).

        The mean free energy of the data less that of their reconstruction from a sampled code. The
        reconstruction is a mean, not a sample (Hinton 2012, section 3.2), and constant.
        """
        code = self._mean_code(x)
        sampled = ops.where(self.uniform(code) < (1 + code) / 2, 1.0, -1.0)
        rebuilt = self._rebuild(ops.cast(sampled, x.dtype))
        return ops.mean(self._free_energy(x) - self._free_energy(ops.stop_gradient(rebuilt)))

    def _mean_code(self, x: Any) -> Any:
        return ops.tanh(self.linear(x))

    def _rebuild(self, code: Any) -> Any:
        # Pixels are 0 to 1, the code of a layer below -1 to 1.
        mean = ops.sigmoid if self.name == "hidden1" else ops.tanh
        rebuilt: Any = ops.matmul(code, ops.transpose(self.kernel))
        return mean(rebuilt + self.rebuilt)

    def _free_energy(self, x: Any) -> Any:
        """[batch]. The sum over hidden units of log(2 cosh a), which is softplus(2a) - a."""
        a = self.linear(x)
        visible: Any = ops.matmul(x, self.rebuilt)
        hidden: Any = ops.softplus(2 * a)
        return -visible - ops.sum(hidden - a, axis=-1)


def dbn(
    blueprint: Blueprint, hidden: Sequence[int] = (300, 100), images: int = 25_000
) -> keras.Model:
    """A deep belief net (Hinton, Osindero & Teh 2006), 267,694 parameters."""
    return pretrained(blueprint, "dbn", hidden, images, Boltzmann)
