import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.training.model import build_model

OWN = "tests.training.own_models"
PLAIN, WITH_DROPOUT = f"{OWN}:build", f"{OWN}:with_dropout"


def test_own_axes_reach_the_function() -> None:
    chosen = Hyperparameters(model=PLAIN, model_arguments={"units": 5})
    model = build_model(chosen, (2, 3, 1), 4, seed=0)
    # 6 pixels to 5 units to 4 classes, with biases.
    assert model.count_params() == 6 * 5 + 5 + 5 * 4 + 4


def test_a_model_that_was_given_no_input_is_built() -> None:
    model = build_model(Hyperparameters(model=f"{OWN}:without_input"), (2, 3, 1), 4, seed=0)
    assert [weight.shape for weight in model.weights] == [(6, 4), (4,)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("of_another_size", r"could not be built for images of shape \(2, 3, 1\): ValueError"),
        ("with_two_outputs", r"ends in shape \[\(None, 4\), \(None, 4\)\]; expected one logit"),
    ],
)
def test_what_does_not_fit_the_data_is_said_in_a_sentence(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        build_model(Hyperparameters(model=f"{OWN}:{name}"), (2, 3, 1), 4, seed=0)


def test_hyperparameters_of_ours_reach_it_when_they_are_set() -> None:
    model = build_model(Hyperparameters(model=WITH_DROPOUT, dropout=0.5), (2, 3, 1), 4, seed=0)
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.5]


def test_none_is_ignored_in_silence() -> None:
    with pytest.raises(UserError, match="unexpected keyword argument 'dropout'"):
        build_model(Hyperparameters(model=PLAIN, dropout=0.5), (2, 3, 1), 4, seed=0)


def test_standardized_pixels_are_not_the_models_business() -> None:
    chosen = Hyperparameters(model=PLAIN, normalization="input")
    assert build_model(chosen, (2, 3, 1), 4, seed=0).output_shape == (None, 4)
