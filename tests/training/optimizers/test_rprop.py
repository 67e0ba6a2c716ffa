"""Steps by hand from Riedmiller & Braun 1993 with the rest after a flip of Igel & Hüsken 2000."""

import keras
import numpy as np
import pytest

from batchmark.training.optimizers.rprop import Rprop


def positions(optimizer: Rprop, gradients: list[float], start: float = 1.0) -> list[float]:
    """Where one weight is after each of `gradients`."""
    weight = keras.Variable([start])
    optimizer.build([weight])
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])], [weight])
        found.append(float(weight.numpy()[0]))
    return found


def test_steps_grow_while_the_sign_stays_and_rest_after_a_flip() -> None:
    # sizes: 0.1, 0.12, 0.144; flip: 0.072 and rest; no agreement: 0.072; 0.0864
    found = positions(Rprop(0.1), [2.0, 0.001, 3.0, -1.0, -5.0, -1.0])
    assert found == pytest.approx([0.9, 0.78, 0.636, 0.636, 0.708, 0.7944], rel=1e-6)


def test_only_the_sign_of_a_gradient_counts() -> None:
    assert positions(Rprop(0.1), [5.0, 2.0]) == positions(Rprop(0.1), [0.1, 9.0])


def test_a_zero_gradient_moves_nothing_and_keeps_the_size() -> None:
    assert positions(Rprop(0.1), [1.0, 0.0, 1.0]) == pytest.approx([0.9, 0.9, 0.8])


def test_sizes_stay_within_their_bounds() -> None:
    largest = positions(Rprop(0.1, largest=0.11), [1.0, 1.0, 1.0])
    assert largest == pytest.approx([0.9, 0.79, 0.68])
    smallest = positions(Rprop(0.1, smallest=0.08), [1.0, -1.0, -1.0])
    assert smallest == pytest.approx([0.9, 0.9, 0.98])


def test_each_weight_has_its_own_size() -> None:
    weight = keras.Variable([0.0, 0.0])
    optimizer = Rprop(0.1)
    optimizer.build([weight])
    for gradient in ([1.0, 1.0], [1.0, -1.0], [1.0, -1.0]):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    # first: 0.1 + 0.12 + 0.144; second: 0.1, rest, back by 0.05
    assert np.allclose(weight.numpy(), [-0.364, -0.05])


def test_it_is_serialized_like_keras_optimizers() -> None:
    optimizer = Rprop(0.05, increase=1.3, decrease=0.4, smallest=1e-5, largest=2.0)
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(restored, Rprop)
    assert restored.get_config() == optimizer.get_config()


@pytest.mark.parametrize("wrong", [{"increase": 0.9}, {"decrease": 1.1}, {"smallest": 60.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="need 0 <"):
        Rprop.from_config({"learning_rate": 0.1, **wrong})
