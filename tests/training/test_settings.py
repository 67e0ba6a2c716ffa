"""What a home folder and other models in the process leave of Keras's settings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import keras
import numpy as np
import pytest
import tensorflow as tf

from batchmark.contract.errors import UserError
from batchmark.training import plugins
from batchmark.training.data import to_device
from batchmark.training.model import build_model
from batchmark.training.session import Session
from tests.training.tiny import dataset, hyperparameters

OWN = "tests.training.own_models"
KERAS = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": "float32",
}


@pytest.mark.parametrize("floatx", ["float16", "nonsense"])
def test_nothing_in_a_home_folder_reaches_a_run(tmp_path: Path, floatx: str) -> None:
    written = {"floatx": floatx, "epsilon": 0.1, "image_data_format": "channels_first"}
    for folder in (tmp_path / ".keras", tmp_path / "elsewhere"):
        folder.mkdir()
        (folder / "keras.json").write_text(json.dumps({**written, "backend": "jax"}))
    weights, downloads = tmp_path / "weights.h5", f"models/{tmp_path.name}-{uuid4()}"
    weights.touch()
    code = f"""
import json
from batchmark.training import environment
environment.apply("cpu", 1)
import keras
saved = keras.utils.get_file("a.h5", origin="{weights.as_uri()}", cache_subdir="{downloads}")
print(json.dumps([environment.describe("cpu", True)["keras"], saved]))
"""
    home = {"HOME": str(tmp_path), "KERAS_HOME": str(tmp_path / "elsewhere")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **home},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    settings, saved = json.loads(done.stdout.splitlines()[-1])
    assert settings == KERAS
    # Pretrained weights have a place all the same.
    assert Path(saved).is_file()
    assert not Path(saved).is_relative_to(tmp_path)
    shutil.rmtree(Path(saved).parent)


def opened(model: str | None = None) -> Session:
    chosen: dict[str, Any] = {} if model is None else {"model": f"{OWN}:{model}"}
    return Session.open(hyperparameters(optimizer="adam", **chosen), to_device(dataset()), seed=3)


@pytest.mark.parametrize("other", ["in_half_precision", "in_float16"])
def test_what_one_model_sets_for_the_process_does_not_reach_the_next(other: str) -> None:
    alone = opened()
    losses = alone.train(5).losses.tolist()
    opened(other).train(5)
    after = opened()
    assert after.train(5).losses.tolist() == losses
    assert after.model.dtype_policy.name == "float32"
    for ours, theirs in zip(after.state(), alone.state(), strict=True):
        assert np.array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_a_model_is_trained_under_the_settings_it_was_built_under() -> None:
    session = opened("in_half_precision")
    session.train(1)
    assert (keras.config.epsilon(), keras.config.image_data_format()) == (0.1, "channels_first")
    hidden, logits = (layer for layer in session.model.layers if layer.weights)
    assert (hidden.compute_dtype, logits.compute_dtype) == ("float16", "float32")


def test_how_graphs_run_is_the_engines_business() -> None:
    opened("in_half_precision")
    options = tf.config.optimizer.get_experimental_options()
    assert not tf.config.functions_run_eagerly()
    assert not tf.config.optimizer.get_jit()
    assert not options.get("auto_mixed_precision")


def test_layers_have_the_same_names_whatever_was_built_before() -> None:
    names = [[layer.name for layer in opened("build").model.layers] for _ in range(2)]
    assert names[0] == names[1]
    assert "dense" in names[0]


@pytest.mark.parametrize("attempt", ["first", "second"])
def test_a_module_that_sets_them_when_imported_is_refused_each_time(attempt: str) -> None:
    chosen = hyperparameters(model="tests.training.sets_a_policy:build")
    with pytest.raises(UserError, match=r"sets Keras's dtype_policy to mixed_float16.*'build'"):
        build_model(chosen, (8, 8, 1), 3, seed=0)


def test_a_reset_gives_kerass_own_defaults() -> None:
    keras.config.set_floatx("float64")
    plugins.reset()
    assert plugins.in_force() == KERAS
