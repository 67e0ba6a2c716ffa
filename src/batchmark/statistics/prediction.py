"""The best batch size before any race to a target: from the gradient noise and what a step costs.

At rates that suit the sizes the epochs to a target are E_min (1 + B / B_crit), and B_crit is near
the gradient noise scale (McCandlish et al. 2018). How near, complete studies have told: the rows of
`calibration.csv`. One rate for all sizes has another optimum, of which this tells nothing.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.best_batch import best_batch, rate_rule
from batchmark.statistics.comparisons import seconds_per_epoch
from batchmark.statistics.cost_model import FITS, Line, fit_line, implied
from batchmark.statistics.intervals import Array, Interval, Mean, columns, number, of_draws
from batchmark.statistics.noise_scale import trained_scale
from batchmark.statistics.study_data import StudyData, families

FEWEST_TIMED = 3
# Before any study: noise scale and critical size agree, but for a factor of 3 at two deviations.
PRIOR_DEVIATION, PRIOR_ROWS, PRIOR_FREEDOM = np.log(3.0) / 2, 1, 4


def calibration() -> pd.DataFrame:
    """Complete studies: `predicted` with a factor of 1, and `measured`, the best size of each."""
    with (files("batchmark.statistics") / "calibration.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def factors(rows: pd.DataFrame) -> Array:
    """Critical size over noise scale in a study to come: the estimate, then draws.

    The posterior predictive of a normal log factor under the conjugate prior (Gelman et al. 2013,
    section 3.3), a study's own being that which makes its predicted best size the measured one.
    """
    logs = 2 * np.log(rows["measured"].to_numpy(float) / rows["predicted"].to_numpy(float))
    count = len(logs)
    total, freedom = PRIOR_ROWS + count, PRIOR_FREEDOM + count
    center = logs.sum() / total
    squares = PRIOR_FREEDOM * PRIOR_DEVIATION**2 + (logs**2).sum() - total * center**2
    scale = np.sqrt(squares / freedom * (1 + 1 / total))
    t = np.random.default_rng(2).standard_t(freedom, FITS)
    return np.exp(center + scale * np.append(0.0, t))


def predict(scale: Mean, speed: Line, factor: Array) -> dict[str, Array]:
    """Best size and what it rests on, by name: the estimate first, then Monte Carlo draws.

    `scale`: log noise scale in examples; `speed`: seconds an example over 1 / B. Of the names of
    `implied` the best size is called `predicted_batch_size`.
    """
    t = np.random.default_rng(3).standard_t(float(scale.freedom), FITS)
    noise = np.exp(float(scale.estimate) + np.sqrt(scale.squared_error) * np.append(0.0, t))
    made = {"noise_scale": noise, "factor": factor, **implied(noise * factor, speed)}
    made["predicted_batch_size"] = made.pop("best_batch_size")
    return made


def predictions(data: StudyData, draws: pd.DataFrame) -> pd.DataFrame:
    """One row per family whose rates follow its sizes: prediction beside measurement.

    `draws`: gradient probes on the study's machine and device, of which those of its own variants
    with true labels count.
    `cost`: time at the tried size nearest to the predicted one, over the fastest's.
    """
    clean = data.variants.loc[data.variants["label_noise"] == 0, "variant"]
    scale = trained_scale(draws[draws["variant"].isin(clean)])
    if scale is None:
        return pd.DataFrame()
    factor = factors(calibration())
    rows = [
        {**data.place(), "target": data.target, "family": label, "rule": rule, **row}
        for label, members in families(data, 2)
        if (rule := rate_rule(data, members)) != "fixed"
        and (row := _row(data, members, scale, factor))
    ]
    return pd.DataFrame(rows)


def _row(
    data: StudyData, members: NDArray[np.intp], scale: Mean, factor: Array
) -> dict[str, Any] | None:
    sizes = data.variants["batch_size"].to_numpy(float)[members]
    examples = data.variants["examples_per_epoch"].to_numpy(float)[members]
    seconds = seconds_per_epoch(data, members).estimate / examples
    timed = ~np.isnan(seconds)
    if timed.sum() < FEWEST_TIMED:
        return None
    speed = fit_line(1 / sizes[timed], seconds[timed], seed=1)
    made = predict(scale, speed, factor)
    # Where steps cost the same at all sizes, no size is too large.
    if not np.isfinite(made["predicted_batch_size"][0]):
        return None
    first = data.variants.iloc[members[0]]
    parts = [columns(name, of_draws(draws)) for name, draws in made.items()]
    return {
        **{name: first[name] for name in ("model", "dataset", "optimizer")},
        **{name: value for part in parts for name, value in part.items()},
        **_measured(data, members, float(made["predicted_batch_size"][0])),
    }


def _measured(data: StudyData, members: NDArray[np.intp], predicted: float) -> dict[str, Any]:
    """The best size tried, and what the one nearest to the prediction costs."""
    sizes = data.variants["batch_size"].to_numpy(float)[members]
    near = nearest(sizes, predicted)
    best = best_batch(data, members)
    if best is None:
        unknown = dict.fromkeys((*_BEST, "batch_sizes", "relative_times"))
        cost = Interval(np.nan, np.nan, np.nan)
        return {**unknown, "nearest_batch_size": sizes[near], **columns("cost", cost)}
    return {
        **dict(zip(_BEST, (best.sizes[best.best], best.low, best.high), strict=True)),
        "nearest_batch_size": sizes[near],
        **columns("cost", Interval(*(part[near] for part in best.cost))),
        "batch_sizes": ";".join(f"{size:g}" for size in sizes),
        "relative_times": ";".join(f"{t:.4g}" for t in best.seconds / best.seconds.min()),
    }


_BEST = ("best_batch_size", "best_batch_size_low", "best_batch_size_high")


def nearest(sizes: Array, wanted: float) -> int:
    """The place of the size that is the fewest doublings from the wanted one."""
    return int(np.abs(np.log(sizes / wanted)).argmin())


def of_answer(answer: Mapping[str, Any], table: pd.DataFrame) -> dict[str, Any] | None:
    """The prediction beside the answer, for JSON; None where its family has none.

    `predicted` with `low` and `high`; `measured`, `tied` from the smallest size to the largest;
    `nearest`, the size tried, and its `cost`; `noise_scale` and `factor`.
    """
    if table.empty or "family" not in answer:
        return None
    keys = ("machine", "device", "study", "target", "family")
    rows = table[np.logical_and.reduce([table[key] == answer[key] for key in keys])]
    if rows.empty:
        return None
    row = rows.iloc[0]
    kept = {
        **{"predicted": "predicted_batch_size", "low": "predicted_batch_size_low"},
        **{"high": "predicted_batch_size_high", "measured": "best_batch_size"},
        **{"measured_low": "best_batch_size_low", "measured_high": "best_batch_size_high"},
        **{"nearest": "nearest_batch_size", "cost": "cost", "noise_scale": "noise_scale"},
        **{"factor": "factor", "factor_low": "factor_low", "factor_high": "factor_high"},
    }
    return {key: number(float(row[name])) for key, name in kept.items()}
