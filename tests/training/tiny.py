"""A data set and a model small enough to train in no time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.train import Racing, TrainRequest, TuningGrid
from batchmark.contract.run import RunResult
from batchmark.dataset.arrays import Arrays, Dataset, describe

if TYPE_CHECKING:
    import keras

    from batchmark.training.model import Blueprint

MODEL = "tests.training.tiny:build"


def build(blueprint: "Blueprint", units: int = 6) -> "keras.Model":
    """One convolution, one pooling, one hidden layer."""
    import keras  # noqa: PLC0415 - a test that needs the data alone waits for no TensorFlow

    images = x = blueprint.images()
    x = blueprint.convolution(x, "conv", 4, 3, "same")
    x = blueprint.activate(x, "conv", "tanh")
    x = blueprint.pool(x, "pool", "average")
    x = keras.layers.Flatten()(x)
    x = blueprint.activate(blueprint.dense(x, "hidden", units), "hidden", "tanh")
    return keras.Model(images, blueprint.logits(blueprint.drop(x, "drop")))


def hyperparameters(**changes: Any) -> Hyperparameters:
    """The tiny model at batch size 8."""
    return Hyperparameters.model_validate({"model": MODEL, "batch_size": 8, **changes})


def dataset(train: int = 96, side: int = 8, seed: int = 0) -> Dataset:
    """Three classes: a bright square in one of three corners, on noise."""
    rng = np.random.default_rng(seed)
    arrays = Arrays(*_split(rng, train, side), *_split(rng, 40, side), *_split(rng, 30, side))
    return Dataset(**vars(arrays), facts=describe("tiny", arrays, classes=3))


def _split(rng: np.random.Generator, count: int, side: int) -> tuple[Any, Any]:
    labels = rng.integers(0, 3, count).astype(np.uint8)
    images = rng.integers(0, 120, (count, side, side, 1)).astype(np.uint8)
    half = side // 2
    for image, label in zip(images, labels, strict=True):
        top, left = divmod(int(label), 2)
        image[top * half : top * half + half, left * half : left * half + half] += 120
    return images, labels


def request(
    budget: dict[str, Any] | None = None,
    tuning: dict[str, Any] | None = None,
    racing: Racing | None = None,
    **changes: Any,
) -> TrainRequest:
    """Two trials of three epochs of the tiny model with these `changes`."""
    defaults: dict[str, Any] = {
        "epochs": 3.0,
        "trials": 2,
        "first_seed": 1,
        "evaluate_every": None,
        "not_learning_after": 2.0,
        "sample_epochs_times": 1.0,
        "deterministic": True,
    }
    return TrainRequest(
        variant=Variant(id="tiny", hyperparameters=hyperparameters(**changes)),
        machine="local",
        device="cpu",
        budget=Budget(**{**defaults, **(budget or {})}),
        tuning=TuningGrid(**tuning) if tuning else None,
        racing=racing,
    )


def without_clock(result: RunResult) -> dict[str, Any]:
    """What two runs of one variant must agree on."""
    content = result.model_dump(exclude={"digest"})
    for trial in content["trials"]:
        del trial["clock"]
    return content
