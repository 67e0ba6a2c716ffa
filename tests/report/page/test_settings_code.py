from typing import Any

import pandas as pd

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.report.page.explorer import code_of


def row(**changed: Any) -> "pd.Series[Any]":
    """As the summary has it: arguments are JSON there."""
    chosen = Hyperparameters(batch_size=64, learning_rate=0.1).model_dump()
    return pd.Series(chosen | {"model_arguments": "{}", "optimizer_arguments": "{}"} | changed)


def test_arguments_are_given_on() -> None:
    made = code_of(
        row(
            optimizer="adam",
            learning_rate=0.001,
            optimizer_arguments='{"beta_1": 0.5}',
            model_arguments='{"hidden": [10]}',
        )
    )
    assert "keras.optimizers.Adam(learning_rate=0.001, beta_1=0.5)" in made.keras
    assert "# model=lenet5, model_arguments={'hidden': [10]}" in made.keras
    assert "  optimizer_arguments:\n    beta_1: 0.5\n" in made.yaml


def test_fewer_images_are_named() -> None:
    made = code_of(row(train_size=5000))
    assert "train_size=5000" in made.keras
    assert "  train_size: 5000\n" in made.yaml
