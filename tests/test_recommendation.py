import re
import subprocess
import sys
from collections.abc import Callable
from math import inf
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

import batchmark
from batchmark.recommendation import (
    FEWEST_IMAGES,
    MOST_IMAGES,
    Price,
    advised,
    checked,
    laid_over,
    rates,
)

IMAGES = np.zeros((FEWEST_IMAGES, 4, 4), np.uint8)
LABELS = np.arange(FEWEST_IMAGES) % 2


def never(*_: Any) -> Any:
    raise AssertionError("the data come first")


def test_importing_the_package_imports_nothing() -> None:
    heavy = "{'tensorflow', 'keras', 'numpy', 'pandas', 'pydantic'} & {*sys.modules}"
    code = f"import sys, batchmark; assert 'recommend' in batchmark.__all__; print({heavy} or '')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "\n"


def test_the_package_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recommended'"):
        _ = batchmark.recommended


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            (LABELS, LABELS, IMAGES, LABELS),
            r"x_train has shape \(640,\); images are \(n, height, width\) or .*channels\)\.",
        ),
        ((IMAGES, LABELS[:5], IMAGES, LABELS), r"x_train has 640 images but 5 labels\."),
        ((IMAGES, LABELS, IMAGES[:0], LABELS[:0]), r"x_validation holds no images\."),
        (
            (IMAGES[:639], LABELS[:639], IMAGES, LABELS),
            r"x_train has 639 images; a prediction needs at least 640\.",
        ),
        (([[1, 2], [3]], LABELS, IMAGES, LABELS), r"x_train is no array: .* differ in length\."),
        ((np.ma.array(IMAGES), LABELS, IMAGES, LABELS), r"x_train is a masked array; .*\."),
        (
            (IMAGES, LABELS, IMAGES[:, 1:], LABELS),
            r"x_validation has images of shape \(3, 4, 1\), but x_train of \(4, 4, 1\)\.",
        ),
        (
            (IMAGES, LABELS / 2, IMAGES, LABELS),
            r"y_train holds float64 values; labels are whole numbers from 0\.",
        ),
        (
            (IMAGES - 1.0, LABELS, IMAGES, LABELS),
            r"x_train runs from -1 to -1; pixels are numbers from 0 to 255, or from 0 to 1\.",
        ),
    ],
)
def test_bad_arrays_are_one_sentence(arrays: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        batchmark.recommend(never, *arrays)


def test_what_builds_no_model_is_one_sentence() -> None:
    def nothing() -> None:
        return None

    with pytest.raises(
        ValueError, match=r"^build_model gives no model .*'to_json'.*functional.*\.$"
    ):
        batchmark.recommend(nothing, IMAGES, LABELS, IMAGES, LABELS)


@pytest.mark.parametrize(
    ("takes", "gives"),
    [
        ((None, 28, 28), (None, 2)),
        ((None, 4, 4, 3), (None, 2)),
        ((None, 4, 4), (None, 1)),
        ([(None, 4, 4), (None, 4, 4)], (None, 2)),
    ],
)
def test_a_model_for_other_data_is_one_sentence(takes: Any, gives: Any) -> None:
    def build_model() -> Any:
        return SimpleNamespace(to_json=lambda: "{}", input_shape=takes, output_shape=gives)

    told = f"build_model gives a model from {takes} to {gives}; these data need one from "
    with pytest.raises(ValueError, match=rf"^{re.escape(told)}.* 2 classes, \(None, 2\)\.$"):
        batchmark.recommend(build_model, IMAGES, LABELS, IMAGES, LABELS)


def dense() -> Any:
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])


@keras.saving.register_keras_serializable()
class Own(keras.layers.Layer):
    """Of a module, unless a test says otherwise."""

    def call(self, images: Any) -> Any:
        return images


@pytest.mark.parametrize("layer", [lambda: keras.layers.Lambda(lambda image: image), Own])
def test_what_another_process_cannot_build_is_one_sentence_at_once(
    layer: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Own, "__module__", "__main__")

    def build_model() -> Any:
        return keras.Sequential([layer(), *dense().layers])

    with pytest.raises(ValueError, match=r"^build_model gives no model that another process .*\.$"):
        batchmark.recommend(build_model, IMAGES, LABELS, IMAGES, LABELS, optimizer="adma")


def test_a_model_with_nothing_to_train_is_one_sentence_at_once() -> None:
    def build_model() -> Any:
        layers = [keras.layers.Flatten(), keras.layers.Dense(2, trainable=False)]
        return keras.Sequential([keras.Input((4, 4)), *layers])

    with pytest.raises(ValueError, match=r"^build_model gives a model without trainable .*\.$"):
        batchmark.recommend(build_model, IMAGES, LABELS, IMAGES, LABELS, optimizer="adma")


def test_a_layer_that_a_module_defines_is_refused() -> None:
    """Another process would look for it in vain, although it can be read back here."""

    def build_model() -> Any:
        return keras.Sequential([Own(), *dense().layers])

    with pytest.raises(ValueError, match=r"^build_model gives no model .*Own is no class of Keras"):
        batchmark.recommend(build_model, IMAGES, LABELS, IMAGES, LABELS)


def test_a_functional_model_is_taken() -> None:
    def build_model() -> Any:
        images = keras.Input((4, 4))
        hidden = keras.layers.Dense(3, keras.activations.gelu, kernel_regularizer="l2")
        return keras.Model(images, keras.layers.Dense(2)(hidden(keras.layers.Flatten()(images))))

    with pytest.raises(ValueError, match=r"optimizer = 'adma'"):
        batchmark.recommend(build_model, IMAGES, LABELS, IMAGES, LABELS, optimizer="adma")


def test_an_unknown_optimizer_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"optimizer = 'adma': allowed are sgd, .*adam"):
        batchmark.recommend(dense, IMAGES, LABELS, IMAGES, LABELS, optimizer="adma")


def test_an_optimizer_that_is_no_name_is_one_sentence() -> None:
    made: Any = {"learning_rate": 0.1}
    with pytest.raises(ValueError, match=r"^optimizer is the name of one, .*; found dict\.$"):
        batchmark.recommend(dense, IMAGES, LABELS, IMAGES, LABELS, optimizer=made)


def test_a_file_in_the_place_of_the_folder_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"test_recommendation\.py is a file, .* folder\.$"):
        batchmark.recommend(never, IMAGES, LABELS, IMAGES, LABELS, folder=__file__)


@pytest.mark.parametrize("folder", [f"{__file__}/x", "", "a\0b", 3, b"x"])
def test_a_folder_that_cannot_be_made_is_one_sentence_before_anything_runs(folder: Any) -> None:
    with pytest.raises(ValueError, match=r"^folder = .* cannot be written to \(.*\)\.$"):
        batchmark.recommend(never, IMAGES, LABELS, IMAGES, LABELS, folder=folder)


def test_validation_images_serve_as_test_images_and_the_first_of_many_train() -> None:
    labels = np.arange(MOST_IMAGES + 10) % 2
    pixels = np.broadcast_to(labels[:, None, None], (len(labels), 2, 2)).astype(np.uint8)
    arrays = checked(pixels, labels, IMAGES[:20, :2, :2] / 255, LABELS[:20])
    assert {key: len(array) for key, array in arrays.items()} == {
        **{"x_train": MOST_IMAGES, "y_train": MOST_IMAGES},
        **{"x_val": 20, "y_val": 20, "x_test": 20, "y_test": 20},
    }
    # Shuffled together.
    assert (arrays["x_train"][:, 0, 0, 0] == arrays["y_train"]).all()
    assert arrays["y_train"][:100].tolist() != labels[:100].tolist()


def test_the_price_of_any_size_by_hand() -> None:
    # (1 + 32 / 200) (1 + 50 / 32) over (1 + 1 / 2)^2, and nothing at the best, sqrt(200 * 50).
    price = Price(200.0, 50.0)
    assert price[32] == pytest.approx(1.16 * 2.5625 / 2.25)
    assert price[100] == pytest.approx(1)


@pytest.mark.parametrize("given", [0, float("nan"), inf, "a", None])
def test_what_is_no_batch_size_has_no_price(given: Any) -> None:
    with pytest.raises(KeyError, match=r"is no batch size: a number from 1\."):
        Price(200.0, 50.0)[given]


def test_advice_is_for_fit_and_an_endless_interval_is_infinite() -> None:
    graph = {"loop": "graph", "batch_size": 50}
    fit = {
        **{"loop": "fit", "batch_size": 100, "learning_rate": 0.1, "steps_per_execution": 9},
        **{"predicted_batch_size_low": 60.0, "predicted_batch_size_high": None},
        **{"b_crit": 200.0, "o": 1e-3, "c": 2e-5},
    }
    advice = advised({"loops": [graph, fit]})
    assert (advice.batch_size, advice.interval) == (100, (60.0, inf))
    assert advice.price == Price(200.0, 50.0)


def test_rates_are_tried_around_the_usual_one() -> None:
    assert rates("sgd") == pytest.approx((0.1, 0.01, 0.4))
    # Four studies of six found rates above four times the usual one.
    assert rates("adam") == pytest.approx((0.001, 0.00025, 0.016))


def test_what_is_laid_over_replaces_all_but_mappings() -> None:
    content = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}
    layer = {"a": {"c": [3]}, "d": None, "f": {}}
    assert laid_over(content, layer) == {"a": {"b": 1, "c": [3]}, "d": None, "f": {}}
