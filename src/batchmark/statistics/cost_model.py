"""The cost model: how epochs to target and seconds per epoch depend on the batch size.

E(B) = E_min (1 + B / B_crit) after McCandlish et al. 2018 (eq. 2.11, in epochs) and
t(B) = N (c + o / B): every example costs c seconds, every step o on top. Their product is least at
B* = sqrt(B_crit o / c).
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.tables import COMMON_SIZES
from batchmark.statistics.comparisons import seconds_per_epoch
from batchmark.statistics.intervals import Array, columns, mean_of, of_draws
from batchmark.statistics.study_data import StudyData, families

# Draws, each of them fitted anew.
FITS = 1000
# Two parameters, and two sizes more that may contradict them.
FEWEST_SIZES = 4


class Line(NamedTuple):
    """y = intercept + slope x; first the estimate, then bootstrap draws, along the first axis."""

    intercept: Array
    slope: Array
    r_squared: float


def fit_line(x: Array, y: Array, seed: int = 0) -> Line:
    """Least squares of *relative* errors, with draws that carry the fit's uncertainty.

    The draws add to the fit normal errors on the log scale whose variance is itself drawn
    (scaled inverse chi-squared, n - 2 degrees of freedom), so that they give Student-like
    intervals however few the points are.
    """
    intercept, slope = relative_lines(x, y[None])
    fitted = intercept[:, None] + slope[:, None] * x
    residuals = np.log(y / np.maximum(fitted[0], np.finfo(float).tiny))
    freedom = len(x) - 2
    random = np.random.default_rng(seed)
    scale = np.sqrt((residuals**2).sum() / random.chisquare(freedom, FITS))
    drawn = fitted * np.exp(scale[:, None] * random.standard_normal((FITS, len(x))))
    a, b = relative_lines(x, drawn)
    spread = ((np.log(y) - np.log(y).mean()) ** 2).sum()
    explained = 1 - (residuals**2).sum() / spread if spread > 0 else np.nan
    return Line(np.append(intercept, a), np.append(slope, b), float(explained))


def relative_lines(x: Array, y: Array, rounds: int = 5) -> tuple[Array, Array]:
    """Intercepts and slopes of lines through the rows of `y`: least squares of relative errors.

    Reweighted by the inverse squared fit.
    """
    weights = 1 / y**2
    intercept = slope = np.zeros(len(y))
    for _ in range(rounds):
        total = weights.sum(axis=1)
        mean_x = (weights * x).sum(axis=1) / total
        mean_y = (weights * y).sum(axis=1) / total
        away = x - mean_x[:, None]
        slope = (weights * away * (y - mean_y[:, None])).sum(axis=1)
        slope = slope / (weights * away**2).sum(axis=1)
        intercept = mean_y - slope * mean_x
        fitted = intercept[:, None] + slope[:, None] * x
        # A line that comes near zero at one size would give that size all the weight.
        weights = 1 / np.maximum(fitted, y / 10) ** 2
    return intercept, slope


def cost_model(data: StudyData) -> pd.DataFrame:
    """One row per target and family of at least four batch sizes that all its trials reached."""
    seconds = seconds_per_epoch(data).estimate
    rows = [
        {**data.place(), "target": target, "family": family, **fit}
        for family, members in families(data, FEWEST_SIZES)
        for target in data.targets
        if (fit := _fit(data, data.epochs_to(target)[members], seconds[members], members))
    ]
    return pd.DataFrame(rows)


def _fit(
    data: StudyData, epochs: Array, seconds: Array, members: NDArray[np.intp]
) -> dict[str, Any] | None:
    sizes = data.variants["batch_size"].to_numpy(float)[members]
    examples = data.variants["examples_per_epoch"].to_numpy(float)[members]
    reached = ~np.isnan(epochs).all(axis=1) & ~np.isinf(epochs).any(axis=1)
    timed = ~np.isnan(seconds)
    if reached.sum() < FEWEST_SIZES or timed.sum() < FEWEST_SIZES:
        return None
    convergence = fit_line(sizes[reached], np.exp(mean_of(np.log(epochs[reached])).estimate))
    # Other random numbers than above: the two lines are independent.
    speed = fit_line(1 / sizes[timed], seconds[timed] / examples[timed], seed=1)
    return {
        "fitted_sizes": _join(sizes[reached]),
        "excluded_sizes": _join(sizes[~reached]),
        **_parameters(convergence, speed),
        "epochs_r_squared": convergence.r_squared,
        "seconds_r_squared": speed.r_squared,
        "examples": float(np.median(examples)),
    }


def _parameters(convergence: Line, speed: Line) -> dict[str, Any]:
    """Point estimates and percentile intervals of everything the two lines imply."""
    with np.errstate(divide="ignore", invalid="ignore"):
        critical = np.maximum(convergence.intercept / convergence.slope, 0.0)
        # Epochs that do not grow with the size: no batch that was tried is too large.
        critical = np.where(convergence.slope > 0, critical, np.inf)
    estimates = {"e_min": convergence.intercept, **implied(critical, speed)}
    tables = [columns(name, of_draws(draws)) for name, draws in estimates.items()]
    return {name: value for table in tables for name, value in table.items()}


def implied(critical: Array, speed: Line) -> dict[str, Array]:
    """What a critical size and seconds an example over 1 / B imply, by name, draw by draw.

    `o`, `c`: seconds a step and an example; `best_batch_size`; `cost_at_{size}`: time to target at
    a common size over the least possible.
    """
    overhead, example = np.maximum(speed.slope, 0.0), np.maximum(speed.intercept, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = overhead / example
        fastest = np.sqrt(critical * ratio)
    costs = {f"cost_at_{size}": relative_cost(size, critical, ratio) for size in COMMON_SIZES}
    estimates = {"b_crit": critical, "c": example, "o": overhead, "best_batch_size": fastest}
    return estimates | costs


def relative_cost(size: float, critical: Array, overhead: Array) -> Array:
    """Time to target at `size` over the least possible, both by the model.

    `critical`: the critical size; `overhead`: o / c, what a step costs in examples.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        least = (1 + np.sqrt(overhead / critical)) ** 2
        return (1 + size / critical) * (1 + overhead / size) / least


def _join(sizes: Array) -> str:
    return ";".join(f"{size:g}" for size in sizes)
