"""Somebody else's repository: own images, model, optimizer, study; batchmark as a module."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchmark.__main__ import begin
from tests.workflow.checkout import Checkout

CLASSES = 3

CONFIG = """\
scale: own
dataset:
  - {name: squares, path: squares.npz, validation: 0.25}
  - {name: others, path: others.npz, validation: 0.25}
targets: {squares: [0.9, 0.6], others: [0.8]}
training: {epochs: 2, trials: 1}
timing: {rounds: 3, rounds_at_most: 3, min_seconds: 0.01, min_steps: 2}
probing: {batch_sizes: [1, 10], draws: 4}
studies:
  width: {}
  workload:
    settings: {model: mlp, batch_size: 20, learning_rate: 0.1}
    grids: [{optimizer: [sgd, adam]}]
    baseline: {optimizer: sgd}
    epochs: 2
    trials: 1
    evaluate_every: null
    rounds: 0
    targets: null
  batch_size: null
  optimizer: null
  momentum: null
  regularization: null
  normalization: null
  device: null
  equivalents: null
  single: null
  rprop: null
  half_life: null
  loops: null
"""

STUDY = """\
question: {en: "How wide should the network be?"}
settings: {model: "mypackage.models:build", batch_size: 20, learning_rate: 0.1}
grids:
  - model_arguments: [{units: 4}, {units: 8}]
  - {model_arguments: {units: 4}, optimizer: "mypackage.optimizers:Damped",
     optimizer_arguments: {damping: 0.5}}
  - {model: mlp}
baseline: {model_arguments: {units: 8}}
probe: [{model_arguments: {units: 8}}]
"""

MODELS = '''\
import keras

from mypackage.layers import hidden


def build(image_shape, classes, units=8):
    """One hidden layer of `units`."""
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Dense(classes)(hidden(images, units)))


def raises(image_shape, classes):
    raise RuntimeError("the weights are at home")


def narrow(image_shape, classes):
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Dense(classes - 1)(hidden(images, 4)))
'''

LAYERS = """\
import keras


def hidden(images, units):
    return keras.layers.Dense(units, activation="tanh")(keras.layers.Flatten()(images))
"""

OPTIMIZERS = '''\
import keras


class Damped(keras.optimizers.SGD):
    """SGD at a part of its learning rate."""

    def __init__(self, learning_rate=0.01, damping=1.0, **others):
        super().__init__(learning_rate * damping, **others)
'''


@dataclass(frozen=True)
class Project(Checkout):
    """The repository; its Snakefile uses the checkout `batchmark` as a module."""

    batchmark: Checkout

    def command(self, config: Path = Path()) -> list[str]:
        """How Snakemake is started here: its configuration is in its Snakefile."""
        return [*self.batchmark.command()[:3], "--cores", "2"]

    def environment(self) -> dict[str, str]:
        """batchmark is installed; `mypackage` lies in the working directory, not on the path."""
        return self.batchmark.environment()

    def stage(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one stage without Snakemake."""
        return subprocess.run(
            [self.batchmark.command()[0], "-m", f"batchmark.stages.{name}", *arguments],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip


def write_project(folder: Path, batchmark: Checkout) -> Project:
    """All files of the repository, begun as users begin theirs."""
    begin(folder, batchmark.folder)
    files = {
        "config.yaml": CONFIG,
        "config/studies/width.yaml": STUDY,
        "mypackage/models.py": MODELS,
        "mypackage/layers.py": LAYERS,
        "mypackage/optimizers.py": OPTIMIZERS,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for seed, name in enumerate(("squares", "others")):
        np.savez(folder / f"{name}.npz", allow_pickle=False, **squares(seed))
    return Project(folder, batchmark)


def squares(seed: int = 0) -> dict[str, np.ndarray]:
    """Colour images of 12 × 10 pixels with a bright channel for each of three classes."""
    random = np.random.default_rng(seed)
    labels = np.arange(240) % CLASSES
    images = random.integers(0, 100, (240, 12, 10, 3), np.uint8)
    images[np.arange(240), :, :, labels] += 120
    return {
        "x_train": images[:160], "y_train": labels[:160],
        "x_test": images[160:], "y_test": labels[160:],
    }  # fmt: skip
