"""The mutated units against their published equations."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.model import Scaled, build_model
from batchmark.training.models.recurrent import Mut1Cell, Mut2Cell, Mut3Cell

Array = NDArray[np.float64]
ROWS, WIDTH, UNITS = 5, 3, 4
CELLS = [Mut1Cell, Mut2Cell, Mut3Cell]


def sigm(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


# The paper's equations, with its names and its column vectors; P makes x as wide as h.
def mut1(x: Array, h: Array, w: dict[str, Array]) -> Array:
    z = sigm(w["xz"].T @ x + w["bz"])
    r = sigm(w["xr"].T @ x + w["hr"].T @ h + w["br"])
    return np.tanh(w["hh"].T @ (r * h) + np.tanh(w["P"].T @ x) + w["bh"]) * z + h * (1 - z)


def mut2(x: Array, h: Array, w: dict[str, Array]) -> Array:
    z = sigm(w["xz"].T @ x + w["hz"].T @ h + w["bz"])
    r = sigm(w["P"].T @ x + w["hr"].T @ h + w["br"])
    return np.tanh(w["hh"].T @ (r * h) + w["xh"].T @ x + w["bh"]) * z + h * (1 - z)


def mut3(x: Array, h: Array, w: dict[str, Array]) -> Array:
    z = sigm(w["xz"].T @ x + w["hz"].T @ np.tanh(h) + w["bz"])
    r = sigm(w["xr"].T @ x + w["hr"].T @ h + w["br"])
    return np.tanh(w["hh"].T @ (r * h) + w["xh"].T @ x + w["bh"]) * z + h * (1 - z)


STEPS: list[Callable[..., Array]] = [mut1, mut2, mut3]


@pytest.mark.parametrize(("cell", "step"), [*zip(CELLS, STEPS, strict=True)])
def test_a_unit_follows_its_equations_from_row_to_row(cell: Any, step: Any) -> None:
    layer = keras.layers.RNN(cell(UNITS), unroll=True)
    layer.build((None, ROWS, WIDTH))
    rng = np.random.default_rng(1)
    w = {}
    for variable in layer.variables:
        # All at random, biases too: a term left out would show.
        values = rng.normal(size=variable.shape)
        variable.assign(values)
        name = "P" if variable.name == "projection" else variable.name.removesuffix("_kernel")
        w[name] = values
    images = rng.normal(size=(2, ROWS, WIDTH))
    for image, state in zip(images, layer(images.astype(np.float32)), strict=True):
        h = np.zeros(UNITS)
        for x in image:
            h = step(x, h, w)
        np.testing.assert_allclose(state, h, rtol=1e-4, atol=1e-5)


def test_one_step_by_hand() -> None:
    """One unit of MUT1, x = 1, h = 0: z = sigm(0) = 1/2, r is idle, tanh(tanh(± 1)) / 2."""
    zeros = Scaled("zeros", seed=0)
    cell = Mut1Cell(1, kernel_initializer=zeros, recurrent_initializer=zeros)
    cell.build((None, 1))
    state, _ = cell(np.ones((1, 1), np.float32), [np.zeros((1, 1), np.float32)])
    assert abs(float(state[0, 0])) == pytest.approx(0.642015 / 2, rel=1e-5)


def test_an_input_is_projected_by_signs_that_never_train() -> None:
    model = build_model(Hyperparameters(model="mut2"), (28, 28, 1), 10, seed=0)
    (projection,) = model.non_trainable_variables
    assert np.unique(np.abs(projection.numpy())) == pytest.approx([28**-0.5])
    assert 0.4 < np.mean(projection.numpy() > 0) < 0.6


def test_matrices_of_one_shape_begin_apart() -> None:
    model = build_model(Hyperparameters(model="mut3"), (28, 28, 1), 10, seed=0)
    square = [v.numpy() for v in model.trainable_variables if v.shape == (128, 128)]
    assert len(square) == 3
    assert not np.allclose(square[0], square[1])
    assert not np.allclose(square[1], square[2])


def test_settings_of_layers_reach_the_unit() -> None:
    chosen = Hyperparameters(model="mut1", activation="relu", l2=0.5, initializer="ones")
    model = build_model(chosen, (28, 28, 1), 10, seed=0)
    cell = model.get_layer("mut1").cell
    assert cell.activation is keras.activations.relu
    assert all((v.numpy() == 1).all() for v in cell.trainable_variables if "kernel" in v.path)
    # 0.5 for each weight of 1: two 28 × 128, two 128 × 128 and the logits' 128 × 10.
    assert float(sum(model.losses)) == 0.5 * (2 * 28 * 128 + 2 * 128**2 + 1280)
