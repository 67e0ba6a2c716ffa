"""A session whose steps and scores are compiled kernels instead of TensorFlow's operations."""

from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import Data, Images
from batchmark.training.kernels.choice import serves
from batchmark.training.kernels.layers import Convolution, Dense, Layer, padded
from batchmark.training.kernels.network import Labelled, Network, program
from batchmark.training.session import Score, Session, StepMetrics


def open_session(
    chosen: Hyperparameters,
    data: Data,
    seed: int,
    *,
    learning_rate: float | None = None,
    compiled: bool = False,
) -> Session:
    """As `Session.open`, with kernels where they serve."""
    kind = _kind(chosen, data, compiled)
    return kind.open(chosen, data, seed, learning_rate=learning_rate, compiled=compiled)


def execution(chosen: Hyperparameters, data: Data, compiled: bool) -> dict[str, str]:
    """What a record says of `open_session`'s choice beside `environment.describe`."""
    return {"execution": "kernels"} if _kind(chosen, data, compiled) is KernelSession else {}


def _kind(chosen: Hyperparameters, data: Data, compiled: bool) -> type[Session]:
    kernels = not compiled and serves(chosen, data.image_shape)
    return KernelSession if kernels else Session


class KernelSession(Session):
    """As its base, for variants that kernels serve, with the same numbers but for rounding.

    Weights and the optimizer's state stay Keras's between calls.
    """

    def train(self, steps: int) -> StepMetrics:
        """As the base's."""
        order, course = self.batches.order(self.step, steps), self.batches.course
        rates = course.rates(self.step, steps) if course else np.ones(steps, np.float32)
        rates = self._full_rate * rates
        optimizer: Any = self.optimizer
        variables = self.model.trainable_variables
        # Without momentum Keras has none, and zeros are not looked at.
        momenta = getattr(optimizer, "momentums", None) or []
        parameters = _packed(self._network, [variable.numpy() for variable in variables])
        velocity = _packed(self._network, [momentum.numpy() for momentum in momenta])
        given = (parameters, velocity, self._training, np.ascontiguousarray(order), rates)
        metrics = StepMetrics(*program(self._network).train(*given))
        for group, flat in ((variables, parameters), (momenta, velocity)):
            for variable, view in zip(group, _views(self._network, flat), strict=False):
                variable.assign(view.reshape(variable.shape))
        optimizer.iterations.assign_add(steps)
        if course:
            optimizer.learning_rate = rates[-1]
        self.step += steps
        return metrics

    def score(self, images: Images) -> Score:
        """As the base's."""
        arrays = images.images.numpy(), images.labels.numpy()
        losses, hits = self._scored(arrays, np.arange(len(images), dtype=np.int32))
        return Score(float(losses.mean(dtype=np.float64)), float(hits.mean()))

    def validate(
        self, indices: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """As the base's."""
        losses, hits = self._scored(self._validation, indices.astype(np.int32))
        return losses, ~hits

    def trace(self) -> None:
        """Compile."""
        program(self._network)

    def has_hidden_state(self) -> bool:
        """Never."""
        return False

    def _scored(self, data: Labelled, order: NDArray[np.int32]) -> Any:
        weights = [variable.numpy() for variable in self.model.trainable_variables]
        return program(self._network).score(_packed(self._network, weights), data, order)

    @cached_property
    def _training(self) -> Labelled:
        return self.data.train.images.numpy(), self.data.train.labels.numpy()

    @cached_property
    def _validation(self) -> Labelled:
        return self.data.validation.images.numpy(), self.data.validation.labels.numpy()

    @cached_property
    def _network(self) -> Network:
        return Network(
            self.data.image_shape,
            _layers(self.model),
            self.data.classes,
            self.pixels,
            float(self.optimizer.momentum),
            bool(self.optimizer.nesterov),
        )


def _layers(model: keras.Model) -> tuple[Layer, ...]:
    """The kernels' layers of LeNet-5; activation and pooling belong to the layer before them."""
    height, width, stride = model.input_shape[1:]
    channels, chain = stride, list[Layer]()
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Conv2D):
            size, units = layer.kernel_size[0], layer.filters
            border = size // 2 if layer.padding == "same" else 0
            height, width = height + 2 * border, width + 2 * border
            activation, pooling = model.layers[place + 1 : place + 3]
            kind = "max" if isinstance(pooling, keras.layers.MaxPooling2D) else "average"
            shape = (height, width, channels, stride, units, size)
            chain.append(Convolution(*shape, activation.activation.__name__, kind))
            height, width = (height - size + 1) // 2, (width - size + 1) // 2
            channels, stride = units, padded(units)
        elif isinstance(layer, keras.layers.Dense):
            beyond = model.layers[place + 1 :]
            activated = beyond[0].activation.__name__ if beyond else None
            chain.append(Dense(chain[-1].outputs, layer.units, activated))
    return tuple(chain)


def _packed(network: Network, arrays: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Keras's kernels and biases as a vector of parameters; zeros where there are none."""
    flat = np.zeros(network.parameters, np.float32)
    # Momenta may be missing altogether.
    for view, array in zip(_views(network, flat), arrays, strict=False):
        view[...] = array.reshape(view.shape)
    return flat


def _views(network: Network, flat: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The kernel, [., inputs, units], and the bias of each layer within a vector of parameters."""
    views: list[NDArray[np.float32]] = []
    padded_, real = network.layers[0].inputs, int(np.prod(network.image_shape))
    for layer, (weights, biases) in zip(network.layers, network.places, strict=True):
        if isinstance(layer, Convolution):
            padded_ = real = layer.channels
        kernel = flat[weights:biases].reshape(-1, padded_, layer.depth)
        views += [kernel[:, :real, : layer.units], flat[biases : biases + layer.units]]
        padded_, real = layer.depth, layer.units
    return views
