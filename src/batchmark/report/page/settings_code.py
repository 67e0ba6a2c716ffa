"""The settings of a variant as code: of a study in YAML, and of Keras."""

import json
import math
from typing import Any

import pandas as pd
import yaml

from batchmark.contract.hyperparameters import AXES, OPTIMIZERS, Hyperparameters
from batchmark.report.page.view import Code
from batchmark.report.selection import name

# Said even where they are the defaults, which may change.
SAID = ("model", "optimizer", "learning_rate", "batch_size")
# What `compile` and `fit` are told; the rest is named in a comment.
IN_CALLS = (*SAID[1:], "momentum", "nesterov", "weight_decay", "optimizer_arguments")
# Tables hold these as JSON.
ARGUMENTS = ("model_arguments", "optimizer_arguments")


def code_of(row: "pd.Series[Any]", threads: float = math.nan, fewer: bool = False) -> Code:
    """How to train the variant of this row of the summary.

    `threads`: which it is timed at; `fewer`: than TensorFlow takes by itself.
    """
    settings = {axis: _plain(row[axis]) for axis in AXES if axis in row and _is_said(row, axis)}
    settings |= {axis: json.loads(settings[axis]) for axis in ARGUMENTS if axis in settings}
    return Code(
        yaml=yaml.safe_dump({"settings": settings}, sort_keys=False, allow_unicode=True),
        keras="\n".join([*_threads(threads if fewer else math.nan), *_keras(settings)]) + "\n",
    )


def _is_said(row: "pd.Series[Any]", axis: str) -> bool:
    value, default = _plain(row[axis]), Hyperparameters.model_fields[axis].default
    return axis in SAID or (value is not None and value not in (default, "{}"))


def _plain(value: Any) -> Any:
    """As YAML writes it."""
    if value is None or isinstance(value, str | bool):
        return value
    number = float(value)
    return None if math.isnan(number) else int(number) if number.is_integer() else number


def _threads(count: float) -> list[str]:
    if math.isnan(count):
        return []
    return [
        "import tensorflow as tf",
        f"tf.config.threading.set_intra_op_parallelism_threads({count:g})",
    ]


def _keras(settings: dict[str, Any]) -> list[str]:
    others = [f"{axis}={settings[axis]}" for axis in settings if axis not in IN_CALLS]
    given = ("learning_rate", "momentum", "nesterov", "weight_decay")
    told = {axis: settings[axis] for axis in given if settings.get(axis)}
    told |= settings.get("optimizer_arguments", {})
    arguments = ", ".join(f"{axis}={value!r}" for axis, value in told.items())
    return [
        "import keras",
        f"# {', '.join(others)}",
        "model.compile(",
        f"    {_optimizer(settings['optimizer'])}({arguments}),",
        "    keras.losses.SparseCategoricalCrossentropy(from_logits=True),",
        '    metrics=["accuracy"],',
        ")",
        f"model.fit(images, labels, batch_size={settings['batch_size']})",
    ]


def _optimizer(key: str) -> str:
    """The class in Python; one of the project's or the user's own by its name."""
    row = OPTIMIZERS.get(key)
    own = key.rpartition(":")[2] if ":" in key else name(key)
    return (
        own
        if (row and row.keras is None) or ":" in key
        else (f"keras.optimizers.{row.keras if row else key}")
    )
