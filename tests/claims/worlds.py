"""One claim's data at a time, drawn in memory: results of an experiment with a known effect."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from batchmark.claims.evidence import Evidence
from batchmark.contract.hyperparameters import on_dataset
from batchmark.statistics.study_data import StudyData
from tests.synthetic import study

Array = NDArray[np.float64]
Settings = Sequence[dict[str, Any]]

TARGET = 0.98
BUDGET = 300.0
EPOCHS = f"epochs_to_{TARGET:g}"
STEP = f"step_to_{TARGET:g}"
FULL = 50_000
MOMENTS = ("initial", "first_epoch", "final")
NONE = pd.DataFrame(columns=["variant", "moment", "batch_size", "quantile"])
DEFAULTS = {
    **{"status": "done", "budget": BUDGET, STEP: 0.0, EPOCHS: 10.0, "best_epoch": 1.0},
    **{"best_validation_error": 0.02, "oscillation": 0.1, "test_accuracy_at_best": 0.98},
    **{"final_test_accuracy": 0.98, "final_train_accuracy": 0.99, "small_weight_share": 0.1},
}


def study_data(name: str, settings: Settings, seeds: int = 5, rounds: int = 7) -> StudyData:
    """A study without effects: every trial of every setting comes to the same."""
    one, made = study(name, list(settings), settings[0], epochs=BUDGET, trials=seeds)
    rows = [each.hyperparameters.model_dump() | {"variant": each.id} for each in made]
    trials = pd.MultiIndex.from_product([[each.id for each in made], range(seeds)])
    return StudyData(
        study=one,
        targets=[TARGET],
        machine="local",
        device="cpu",
        variants=_as_trained(pd.DataFrame(rows)),
        outcomes=trials.to_frame(index=False, name=["variant", "seed"]).assign(**DEFAULTS),
        ratios=np.ones((len(made), rounds)),
        baseline_seconds=1.0,
        memory=np.ones(len(made)),
        noise_floor=0.0,
    )


def _as_trained(variants: pd.DataFrame) -> pd.DataFrame:
    """Words in place of numbers, as `collect` resolves them."""
    tuned = variants["learning_rate"] == "tuned"
    train_size = variants["train_size"].replace("full", FULL).astype(int)
    full = variants["batch_size"] == "full"
    return variants.assign(
        tuned=tuned,
        learning_rate=variants["learning_rate"].mask(tuned, 0.03).astype(float),
        tuning_epochs=np.where(tuned, 18.0, np.nan),
        train_size=train_size,
        batch_size=variants["batch_size"].mask(full, train_size).astype(int),
        examples_per_epoch=train_size,
        validation_size=10_000,
        test_size=10_000,
        scored_train_size=10_000,
        parameters=60_000,
        dataset="mnist",
        model_arguments="{}",
        optimizer_arguments="{}",
    )


def on_other_data(of: StudyData, dataset: str = "fashion_mnist") -> StudyData:
    """The same study without effects on another data set."""
    ids = {variant: on_dataset(variant, dataset) for variant in of.ids}
    part = of.study.model_copy(
        update={
            "name": f"{of.study.name}-{dataset}",
            "settings": {ids[variant]: axes for variant, axes in of.study.settings.items()},
        }
    )
    variants = of.variants.assign(variant=of.variants["variant"].map(ids), dataset=dataset)
    outcomes = of.outcomes.assign(variant=of.outcomes["variant"].map(ids))
    return replace(of, study=part, variants=variants, outcomes=outcomes)


def with_trials(of: StudyData, **columns: ArrayLike) -> StudyData:
    """The study with some outcomes [setting, seed] replaced."""
    shape = len(of.ids), len(of.seeds)
    made = {name: np.broadcast_to(values, shape).ravel() for name, values in columns.items()}
    return replace(of, outcomes=of.outcomes.assign(**made))


def evidence(*every: StudyData, **tables: pd.DataFrame) -> Evidence:
    """What was measured; the first study is the main one."""
    probes = {"draws": NONE, "magnitudes": NONE, "published": NONE} | tables
    return Evidence(
        studies=list(every),
        main=next(iter(every), None),
        draws=probes["draws"],
        magnitudes=probes["magnitudes"],
        published=probes["published"],
    )


def draws(means: dict[int, float], random: np.random.Generator, networks: int = 5) -> pd.DataFrame:
    """Ten cosines for each batch size and network; most of the spread is between networks."""
    count = 10
    own = random.normal(0, 0.02, networks)
    parts = []
    for size, mean in means.items():
        values = mean + own[:, None] + random.normal(0, 0.005, (networks, count))
        own = random.normal(0, 0.02, networks)
        parts.append(
            pd.DataFrame(
                {
                    "variant": "v",
                    "moment": "final",
                    "seed": np.repeat(np.arange(networks), count),
                    "batch_size": size,
                    "full_size": 1000,
                    "cosine": values.ravel(),
                    "successive_cosine": values.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def magnitudes(ratios: Array) -> pd.DataFrame:
    """Quantiles of single networks [network, moment] from the 99 % quantile over the median."""
    networks, moments = np.indices(ratios.shape)
    keys = {"variant": "v", "moment": moments.ravel(), "seed": networks.ravel()}
    return pd.concat(
        [
            pd.DataFrame(keys | {"quantile": "0.5", "magnitude": 1e-3}),
            pd.DataFrame(keys | {"quantile": "0.99", "magnitude": 1e-3 * ratios.ravel()}),
        ]
    )


def norms(first_over_last: Array) -> Array:
    """Gradient norms as trials.csv has them."""
    texts = [json.dumps({"first": ratio, "last": 1.0}) for ratio in first_over_last.ravel()]
    return np.array(texts, dtype=object).reshape(first_over_last.shape)


def gradient_norms(
    scales: Array, variants: Sequence[str], random: np.random.Generator
) -> pd.DataFrame:
    """Thirty squared norms at batch sizes 10 and 100 from noise scales [variant, moment, network].

    |G|^2 is 1 and |g|^2 at batch size B is 1 + scale / B on average, a tenth around it.
    """
    sizes, count = np.array([10, 100]), 30
    row, moment, network, place, _ = (
        part.ravel() for part in np.indices((*scales.shape, len(sizes), count))
    )
    scale, size = scales[row, moment, network], sizes[place]
    return pd.DataFrame(
        {
            "variant": np.array(variants)[row],
            "moment": np.array(MOMENTS)[moment],
            "seed": network,
            "batch_size": size,
            "full_size": FULL,
            "epoch": moment.astype(float),
            "squared_norm": (1 + scale / size) * random.normal(1, 0.1, len(scale)),
            "full_squared_norm": 1 + scale / FULL,
            "cosine": 0.5,
            "successive_cosine": 0.1,
        }
    )
