"""What to train with by prediction alone: from one session, one probe and one scan of rates."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from batchmark.statistics.cost_model import fit_line
from batchmark.statistics.intervals import Array, Mean, columns, of_draws
from batchmark.statistics.prediction import FEWEST_TIMED, predict

# An execution of `fit` that lasts so long hides what Python costs, and still shows progress.
EXECUTION_SECONDS = 0.4
# How the best rate grows with small batches: SGD's in proportion, adaptive ones' with the root.
PROPORTIONAL, ROOT = 1.0, 0.5


class KnownRate(NamedTuple):
    """A learning rate that suits a batch size, and the power of small sizes that rates follow.

    `highest`: of the rates that were tried, beyond which nothing says that training is stable.
    """

    rate: float
    batch_size: int
    power: float
    highest: float


def advice(  # noqa: PLR0913, PLR0917 - what a prediction rests on
    subjects: pd.DataFrame,
    scale: Mean,
    factor: Array,
    known: KnownRate | None,
    largest: int | None,
    raced: Array | None = None,
) -> pd.DataFrame:
    """One row per loop that timed at least three sizes, and in which images cost time.

    `subjects`: timed subjects of one session; `scale`: log noise scale, in examples; `factor`: of
    `factors`; `largest`: the most images a batch may have, where known. Columns: `loop`, those of
    `predict` with intervals (`o`, `c` in seconds), `batch_size` to train with, `learning_rate` to
    start from (NaN: unknown) and `steps_per_execution` for `fit`.
    """
    rows = []
    for loop, own in subjects[subjects["role"] != "control"].groupby("loop", sort=False):
        seconds = (own["seconds_per_epoch"] / own["examples_per_epoch"]).to_numpy(float)
        timed = ~np.isnan(seconds)
        if timed.sum() < FEWEST_TIMED:
            continue
        speed = fit_line(1 / own["batch_size"].to_numpy(float)[timed], seconds[timed], seed=1)
        made = predict(scale, speed, factor, raced)
        if not np.isfinite(made["predicted_batch_size"][0]):
            continue
        parts = [columns(name, of_draws(draws)) for name, draws in made.items()]
        row = {name: value for part in parts for name, value in part.items()}
        examples = int(own["examples_per_epoch"].max())
        rows.append({"loop": loop, **row, **_settings(row, known, examples, largest or examples)})
    return pd.DataFrame(rows)


def _settings(
    row: dict[str, float], known: KnownRate | None, examples: int, largest: int
) -> dict[str, float]:
    size = int(np.clip(round(row["predicted_batch_size"]), 1, min(largest, examples)))
    step, most = row["o"] + row["c"] * size, examples // size
    return {
        "batch_size": size,
        "learning_rate": rate_at(size, known, row["b_crit"]) if known else np.nan,
        "steps_per_execution": int(np.clip(round(EXECUTION_SECONDS / step), 1, most)),
    }


def rate_at(size: int, known: KnownRate, critical: float) -> float:
    """The rate that suits another size: e_max / (1 + B_crit / B)^power (McCandlish et al. 2018).

    At most the highest that was tried.
    """
    grown = (1 + critical / known.batch_size) / (1 + critical / size)
    return float(min(known.rate * grown**known.power, known.highest))
