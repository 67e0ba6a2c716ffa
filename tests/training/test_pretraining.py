"""Networks that learn their input first: what is descended, for how long, and by what."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import JsonValue

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.data import to_device
from batchmark.training.model import build_model
from batchmark.training.models.pretrained import Boltzmann, Denoising
from batchmark.training.session import Session
from tests.training.tiny import dataset

X = np.array([[0.2, 0.9, 0.4], [1.0, 0.0, 0.6]], np.float32)
W = np.array([[0.5, -0.2], [0.1, 0.3], [-0.4, 0.7]], np.float32)
B, C = np.array([0.1, -0.3], np.float32), np.array([0.2, 0.0, -0.1], np.float32)


def layer(kind: Any, **arguments: Any) -> Any:
    """A layer of three inputs and two units with the weights above."""
    made = kind(2, activation="tanh", name="hidden1", **arguments)
    made.build((None, 3))
    made.kernel.assign(W)
    made.bias.assign(B)
    made.rebuilt.assign(C)
    return made


def test_an_autoencoder_descends_the_error_of_what_it_rebuilds() -> None:
    error = np.tanh(X @ W + B) @ W.T + C - X
    expected = (error**2).sum(axis=1).mean() / 2
    assert float(layer(Denoising, corruption=0.0).misfit(X)) == pytest.approx(expected, rel=1e-5)


def test_it_sees_a_share_of_the_input_and_is_to_rebuild_all() -> None:
    """With everything left out the code is tanh(b), whatever the input."""
    error = np.tanh(B) @ W.T + C - X
    expected = (error**2).sum(axis=1).mean() / 2
    assert float(layer(Denoising, corruption=1.0).misfit(X)) == pytest.approx(expected, rel=1e-5)


def test_a_machine_descends_by_contrastive_divergence() -> None:
    """Its gradient is that of CD-1: products in the data less those in the reconstruction."""
    import tensorflow as tf  # noqa: PLC0415

    made = layer(Boltzmann)
    with tf.GradientTape() as tape:
        loss = made.misfit(X)
    gradients: Any = tape.gradient(loss, [made.kernel.value, made.bias.value, made.rebuilt.value])
    kernel, bias, rebuilt = gradients
    # The same draws again, from the same seed.
    draws = layer(Boltzmann).uniform(np.zeros((2, 2))).numpy()
    code = np.tanh(X @ W + B)
    sample = np.where(draws < (1 + code) / 2, 1.0, -1.0)
    again = 1 / (1 + np.exp(-(sample @ W.T + C)))
    code_again = np.tanh(again @ W + B)
    np.testing.assert_allclose(kernel, -(X.T @ code - again.T @ code_again) / 2, atol=1e-5)
    np.testing.assert_allclose(bias, -(code - code_again).mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(rebuilt, -(X - again).mean(axis=0), atol=1e-5)


def test_a_machines_free_energy_is_that_of_its_states() -> None:
    """-log of the sum over the four codes of exp(-E), E = -cv - bh - vWh."""
    codes = np.array([[i, j] for i in (-1, 1) for j in (-1, 1)])
    energies = [[-(C @ v) - B @ h - v @ W @ h for h in codes] for v in X]
    expected = -np.log(np.exp(-np.array(energies)).sum(axis=1))
    np.testing.assert_allclose(layer(Boltzmann)._free_energy(X), expected, rtol=1e-5)


@pytest.mark.parametrize("model", ["sda", "dbn"])
def test_it_starts_as_the_plain_network_and_is_one_once_tuned(model: str) -> None:
    built, plain = (
        build_model(Hyperparameters(model=name), (28, 28, 1), 10, seed=3) for name in (model, "mlp")
    )
    pixels = np.random.default_rng(0).uniform(size=(4, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(built(pixels), plain(pixels), rtol=1e-5, atol=1e-6)


def moved(session: Session, steps: int) -> set[str]:
    """The variables that change within the next steps, by `layer/name`."""
    before = [variable.numpy() for variable in session.model.variables]
    session.train(steps)
    return {
        variable.path
        for variable, old in zip(session.model.variables, before, strict=True)
        if variable.trainable and not np.array_equal(variable.numpy(), old)
    }


@pytest.mark.parametrize("model", ["sda", "dbn"])
def test_first_the_input_trains_the_layers_then_the_classes_do(model: str) -> None:
    arguments: dict[str, JsonValue] = {"hidden": [6, 5], "images": 24}
    chosen = Hyperparameters(model=model, batch_size=8, model_arguments=arguments)
    session = Session.open(chosen, to_device(dataset(96)), seed=3)
    rebuilt = {"hidden1/rebuilt_bias", "hidden2/rebuilt_bias"}
    weights = {
        f"{name}/{part}" for name in ("hidden1", "hidden2", "logits") for part in ("kernel", "bias")
    }
    assert moved(session, 3) == weights | rebuilt
    assert moved(session, 1) == weights
    assert not session.has_hidden_state()


@pytest.mark.parametrize("model", ["sda", "dbn"])
def test_classes_do_not_reach_layers_that_are_not_tuned(model: str) -> None:
    """Other labels, the same hidden layers."""
    arguments: dict[str, JsonValue] = {"hidden": [6, 5], "images": 40}
    chosen = Hyperparameters(model=model, batch_size=8, model_arguments=arguments)
    ours = dataset(96)
    others = to_device(replace(ours, train_labels=2 - ours.train_labels))
    sessions = [Session.open(chosen, data, seed=3) for data in (to_device(ours), others)]
    for session in sessions:
        session.train(5)
    one, other = (session.model for session in sessions)
    assert np.array_equal(one.get_layer("hidden1").kernel, other.get_layer("hidden1").kernel)
    assert not np.array_equal(one.get_layer("logits").kernel, other.get_layer("logits").kernel)
