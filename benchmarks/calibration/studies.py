"""Complete studies behind calibration.csv: python -m benchmarks.calibration.studies FOLDER [MNIST]

Writes a working folder for each data set and optimizer, and the commands that run them; with
`--until probe` before `--` they probe alone, in a minute, for `rows --renew`. MNIST: a folder or
address of its files, where the usual mirrors cannot be had.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.calibration import shapes

HOME = Path(__file__).resolve().parents[2]
NULLED = (
    *("batch_size", "optimizer", "momentum", "regularization"),
    *("normalization", "device", "loops", "equivalents", "single", "rprop"),
)
SIZES = {
    "lenet5": [16, 32, 64, 128, 256],
    "lenet_theano": [16, 32, 64, 128],
    "mlp": [32, 64, 128, 256, 512],
    "strided": [8, 16, 32, 64, 128, 256],
}
# The rates of the scan, a doubling apart, and that of the probe: as in `make quick`.
TUNING = {
    "sgd": {"low": 0.02, "high": 0.64, "points": 6},
    "adam": {"low": 0.0005, "high": 0.016, "points": 6},
}
PROBED_RATE = {"sgd": 0.1, "adam": 0.001}
# Epochs of the tuning and of a seed, images between evaluations, and the target of each
# optimizer's models, which good sizes reach in the first half of their budget. The sample's epochs
# are three times these.
DATASETS: dict[str, dict[str, Any]] = {
    "sample": {
        "dataset": {"name": "sample"},
        **{"tuning": 1, "epochs": 2, "every": 5000},
        "sgd": {"lenet5": 0.92, "lenet_theano": 0.94, "mlp": 0.90, "strided": 0.92},
        "adam": {"lenet5": 0.92, "mlp": 0.90, "strided": 0.92},
    },
    "shapes": {
        "dataset": {"name": "shapes", "path": "shapes.npz"},
        **{"tuning": 2.4, "epochs": 7, "every": 600},
        "sgd": {"lenet5": 0.93, "mlp": 0.85, "strided": 0.93},
        "adam": {"lenet5": 0.93, "mlp": 0.85, "strided": 0.93},
    },
    "mnist": {
        "dataset": {"name": "mnist", "validation": 5000, "fallback": "none"},
        **{"tuning": 0.5, "epochs": 2, "every": 2500},
        "sgd": {"mlp": 0.94},
        "adam": {"lenet5": 0.98, "mlp": 0.95, "strided": 0.975},
    },
}


def configuration(dataset: str, optimizer: str) -> dict[str, Any]:
    """What is laid over config.yaml."""
    data = DATASETS[dataset]
    return {
        "scale": "calibration",
        "machine": "calibration",
        "dataset": data["dataset"],
        "targets": {dataset: [0.9]},
        "training": {
            **{"trials": 1, "trials_at_most": 6, "epochs": data["epochs"]},
            **{"evaluate_every": data["every"], "not_learning_after": data["epochs"]},
        },
        "tuning": {**TUNING[optimizer], "epochs": data["tuning"]},
        "probing": {"batch_sizes": [8, 64], "draws": 40},
        "timing": {"rounds": 6, "rounds_at_most": 6, "min_seconds": 0.06, "min_steps": 3},
        "studies": {
            **dict.fromkeys(NULLED),
            **{
                f"{model}-{optimizer}": _study(model, optimizer, {dataset: [target]})
                for model, target in data[optimizer].items()
            },
        },
    }


def _study(model: str, optimizer: str, targets: dict[str, list[float]]) -> dict[str, Any]:
    known = {"learning_rate": PROBED_RATE[optimizer], "batch_size": 64}
    name = model if model != "strided" else "strided:build"
    return {
        "file": "config/studies/model.yaml",
        "settings": {"model": name, "optimizer": optimizer},
        "grids": [{"learning_rate": "tuned", "batch_size": SIZES[model]}, known],
        "baseline": known,
        "probe": [known],
        "targets": targets,
    }


def write(folder: Path, mnist: str | None) -> None:
    """The working folders, which share this checkout's code."""
    for dataset in DATASETS:
        for optimizer in [name for name in TUNING if DATASETS[dataset][name]]:
            place = folder / f"{dataset}-{optimizer}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copytree(HOME / "config", place / "config", dirs_exist_ok=True)
            shutil.copy(HOME / "benchmarks" / "calibration" / "strided.py", place)
            config = configuration(dataset, optimizer)
            if dataset == "shapes":
                np.savez(place / "shapes.npz", allow_pickle=False, **shapes.dataset(0))
            if dataset == "mnist" and mnist:
                config["dataset"]["mirrors"] = [mnist]
            (place / "calibration.yaml").write_text(json.dumps(config, indent=1))
            where = f"--snakefile {HOME}/Snakefile --directory {place}"
            file = place.absolute() / "calibration.yaml"
            wanted = "results/tables/predictions.csv"
            path = f"PYTHONPATH={place.absolute()}"
            print(f"{path} snakemake {where} --cores all --configfile {file} -- {wanted}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("mnist", nargs="?")
    given = parser.parse_args()
    write(given.folder, given.mnist)
