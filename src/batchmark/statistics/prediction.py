"""The best batch size before any race to a target: from the gradient noise and what a step costs.

At rates that suit the sizes the epochs to a target are E_min (1 + B / B_crit), and B_crit is near
the gradient noise scale (McCandlish et al. 2018) and near what a short race tells. How near,
complete studies have told: the rows of `calibration.csv`. One rate for all sizes has another
optimum, of which this tells nothing.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.best_batch import BestBatch, best_batch, rate_rule
from batchmark.statistics.comparisons import seconds_per_epoch
from batchmark.statistics.cost_model import FITS, Line, fit_line, implied
from batchmark.statistics.intervals import Array, Interval, Mean, columns, number, of_draws
from batchmark.statistics.noise_scale import trained_scale
from batchmark.statistics.study_data import StudyData, families

FEWEST_TIMED = 3
# Before any study: noise scale and critical size agree, but for a factor of 3 at two deviations.
PRIOR_DEVIATION, PRIOR_FREEDOM = np.log(3.0) / 2, 4
# What the prior knows of the factor of plain SGD at a usual scale weighs one study; of the power of
# the scale two, a factor of e away; of what rates adapted to weights change, half a one. A race has
# told a critical size already, in proportion.
USUAL_SCALE = 200.0
PRIOR_ROWS = {"noise_scale": [1.0, 2.0, 0.5], "raced": [1.0, 1e6, 0.5]}
# What a study is of: rows of the same tell nothing of it that it has not told itself.
SUBJECT = ("model", "dataset", "optimizer")
# What a predicted size may cost over the best: a quarter of a training's time.
ACCEPTABLE = 1.25


def calibration() -> pd.DataFrame:
    """Complete studies: `predicted` with a factor of 1, and `measured`, the best size of each."""
    with (files("batchmark.statistics") / "calibration.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def others(rows: pd.DataFrame, of: Mapping[Any, Any]) -> pd.DataFrame:
    """The rows of studies of another model, data set or optimizer."""
    same = np.logical_and.reduce([rows[name] == of[name] for name in SUBJECT])
    return rows[~same]


def factors(rows: pd.DataFrame, scale: float, optimizer: str, by: str = "noise_scale") -> Array:
    """Critical size over `by` in a study to come: the estimate, then draws.

    The posterior predictive of a log factor that is linear in the log of the scale and has a
    step between SGD and adaptive optimizers, normal under the conjugate prior (Gelman et al. 2013,
    section 14.8). A study's own factor is that which makes its predicted best size the measured
    one. `scale`, in examples, and `optimizer`: of the study to come; `by`: the column of such
    scales, `noise_scale` or `raced`, of which only the rows that have one count.
    """
    rows = rows[rows[by].notna()]
    scales, measured = rows[by].to_numpy(float), rows["measured"].to_numpy(float)
    logs = np.log(measured**2 / (rows["step_over_example"].to_numpy(float) * scales))
    points = _design(scales, rows["optimizer"].tolist())
    precision = np.diag(PRIOR_ROWS[by]) + points.T @ points
    line = np.linalg.solve(precision, points.T @ logs)
    freedom = PRIOR_FREEDOM + len(logs)
    squares = PRIOR_FREEDOM * PRIOR_DEVIATION**2 + (logs**2).sum() - line @ precision @ line
    (at,) = _design(np.array([scale]), [optimizer])
    error = np.sqrt(squares / freedom * (1 + at @ np.linalg.solve(precision, at)))
    t = np.random.default_rng(2).standard_t(freedom, FITS)
    return np.exp(at @ line + error * np.append(0.0, t))


def pooled(*sizes: Array) -> Array:
    """One size of several estimates with draws: their mean in logs, weighted by precision.

    Draws keep their ranks: both were told by the same studies, so that their errors go together,
    and no interval is narrower than the best one's.
    """
    logs = np.log(sizes)
    weights = 1 / np.maximum(logs[:, 1:].var(axis=1), np.finfo(float).tiny)
    return np.exp(weights @ logs / weights.sum())


def _design(scales: Array, optimizers: Sequence[str]) -> Array:
    """A constant, the log over the usual scale, and 1 for adaptive optimizers, [studies, 3]."""
    logs = np.log(scales / USUAL_SCALE)
    adaptive = np.array([name != "sgd" for name in optimizers], float)
    return np.column_stack([np.ones(len(logs)), logs, adaptive])


def score(rows: pd.DataFrame) -> pd.DataFrame:
    """Each study predicted from those of another subject: what its advice would have been worth.

    Adds to `SUBJECT` and `measured`: `advised` with `low` and `high`, which draw the factors alone;
    `cost`: the time of the size tried that is nearest to it over the best's, with bounds; `cheap`:
    at most `ACCEPTABLE`; `held`: the interval contains the measured best.
    """
    return pd.DataFrame([_scored(rows, row) for row in rows.to_dict("records")])


def _scored(rows: pd.DataFrame, row: dict[Any, Any]) -> dict[str, Any]:
    known = others(rows, row)
    critical = [
        row[by] * factors(known, row[by], row["optimizer"], by) for by in PRIOR_ROWS if row[by] > 0
    ]
    drawn = (pooled(*critical) * row["step_over_example"]) ** 0.5
    advised, low, high = of_draws(drawn)
    near = nearest(_list(row["batch_sizes"]), advised)
    cost, *bounds = (float(_list(row[f"relative_times{end}"])[near]) for end in _ENDS)
    return {
        **{name: row[name] for name in (*SUBJECT, "measured")},
        **{"advised": advised, "low": low, "high": high},
        **{"cost": cost, "cost_low": bounds[0], "cost_high": bounds[1]},
        **{"cheap": cost <= ACCEPTABLE, "held": bool(low <= row["measured"] <= high)},
    }


_ENDS = ("", "_low", "_high")


def _list(cell: object) -> Array:
    return np.array(str(cell).split(";"), float)


def predict(
    scale: Mean, speed: Line, factor: Array, raced: Array | None = None
) -> dict[str, Array]:
    """Best size and what it rests on, by name: the estimate first, then Monte Carlo draws.

    `scale`: log noise scale in examples; `speed`: seconds an example over 1 / B; `raced`: the
    critical size by a race, where one was run, with draws. Of the names of `implied` the best size
    is called `predicted_batch_size`.
    """
    t = np.random.default_rng(3).standard_t(float(scale.freedom), FITS)
    noise = np.exp(float(scale.estimate) + np.sqrt(scale.squared_error) * np.append(0.0, t))
    critical = noise * factor if raced is None else pooled(noise * factor, raced)
    made = {"noise_scale": noise, "factor": factor, **implied(critical, speed)}
    made["predicted_batch_size"] = made.pop("best_batch_size")
    return made


def predictions(data: StudyData, draws: pd.DataFrame) -> pd.DataFrame:
    """One row per family whose rates follow its sizes: prediction beside measurement.

    The factor is that of studies of another subject, so that no time of this one goes into it.

    `draws`: gradient probes on the study's machine and device, of which those of its own variants
    with true labels count.
    `cost`: time at the tried size nearest to the predicted one, over the fastest's.
    """
    clean = data.variants.loc[data.variants["label_noise"] == 0, "variant"]
    scale = trained_scale(draws[draws["variant"].isin(clean)])
    if scale is None:
        return pd.DataFrame()
    rows = [
        {**data.place(), "target": data.target, "family": label, "rule": rule, **row}
        for label, members in families(data, 2)
        if (rule := rate_rule(data, members)) != "fixed" and (row := _row(data, members, scale))
    ]
    return pd.DataFrame(rows)


def _row(data: StudyData, members: NDArray[np.intp], scale: Mean) -> dict[str, Any] | None:
    sizes = data.variants["batch_size"].to_numpy(float)[members]
    examples = data.variants["examples_per_epoch"].to_numpy(float)[members]
    seconds = seconds_per_epoch(data, members).estimate / examples
    timed = ~np.isnan(seconds)
    if timed.sum() < FEWEST_TIMED:
        return None
    speed = fit_line(1 / sizes[timed], seconds[timed], seed=1)
    first = data.variants.iloc[members[0]]
    known = others(calibration(), first.to_dict())
    factor = factors(known, float(np.exp(scale.estimate)), str(first["optimizer"]))
    made = predict(scale, speed, factor)
    # Where steps cost the same at all sizes, no size is too large.
    if not np.isfinite(made["predicted_batch_size"][0]):
        return None
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
        unknown = dict.fromkeys((*_BEST, "batch_sizes", *(f"relative_times{end}" for end in _ENDS)))
        cost = Interval(np.nan, np.nan, np.nan)
        return {**unknown, "nearest_batch_size": sizes[near], **columns("cost", cost)}
    return {
        **dict(zip(_BEST, (best.sizes[best.best], best.low, best.high), strict=True)),
        "nearest_batch_size": sizes[near],
        **columns("cost", Interval(*(part[near] for part in best.cost))),
        "batch_sizes": ";".join(f"{size:g}" for size in sizes),
        **{
            f"relative_times{end}": ";".join(f"{time:.4g}" for time in times)
            for end, times in zip(_ENDS, _relative(best), strict=True)
        },
    }


def _relative(best: BestBatch) -> Interval:
    """Costs of all sizes; endless for a size whose median trial missed the target."""
    estimate = np.where(np.isfinite(best.seconds), best.cost.estimate, np.inf)
    return best.cost._replace(estimate=estimate)


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
