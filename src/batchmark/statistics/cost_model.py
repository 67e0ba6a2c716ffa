"""The cost model: how epochs to target and seconds per epoch depend on the batch size.

E(B) = E_min (1 + B / B_crit) after McCandlish et al. 2018 (eq. 2.11, in epochs) and
t(B) = N (c + o / B): every example costs c seconds, every step o on top. Their product is least at
B* = sqrt(B_crit o / c).
"""

from collections.abc import Mapping, Sequence
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
# A race has two parameters as well, but one size may contradict them at most.
FEWEST_RACED = 3
# Beyond so many times the sizes that raced, how the epochs grow is chance.
REACH = 8.0
# Late in training the sizes' losses come together, where no race tells them apart.
EARLY = 1 / 3
# Evaluations whose mean losses are averaged: one seed's steps are noisy.
WINDOW = 3


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


class Course(NamedTuple):
    """One training: the mean loss of its steps since the last of the `epochs`, which rise."""

    epochs: Array
    losses: Array

    def falling(self) -> "Course":
        """The least of the moving averages so far, where losses are finite."""
        known = np.isfinite(self.losses) & (self.losses > 0)
        epochs, losses = self.epochs[known], self.losses[known]
        if not len(losses):
            return Course(epochs, losses)
        around = np.pad(losses, WINDOW // 2, mode="edge")
        means = np.convolve(around, np.full(WINDOW, 1 / WINDOW), "valid")
        return Course(epochs, np.minimum.accumulate(means))

    def loss_at(self, epoch: float) -> float:
        """The loss of a falling course, interpolated on both logarithms."""
        return float(np.exp(np.interp(np.log(epoch), np.log(self.epochs), np.log(self.losses))))

    def epoch_of(self, loss: float) -> float:
        """The first epoch of a falling course with such a loss; the nearest end beyond them."""
        fresh = np.append(True, np.diff(self.losses) < 0)
        logs = -np.log(self.losses[fresh]), np.log(self.epochs[fresh])
        return float(np.exp(np.interp(-np.log(loss), *logs)))


def critical_size(
    courses: Mapping[int, Sequence[Course]], level: float | None = None
) -> float | None:
    """B_crit in images from a race: trainings by batch size to a common loss.

    At rates that suit the sizes; for what is early in training. `level`: that loss, else what the
    middle size reaches at `EARLY` of its epochs, or the least that all reach. Within `REACH` times
    the sizes; None for fewer than three sizes or where a training did not learn.
    """
    fell = {size: [course.falling() for course in each] for size, each in courses.items()}
    if len(fell) < FEWEST_RACED or not all(map(_learned, fell.values())):
        return None
    goal = level or _early(fell)
    sizes = np.array(sorted(fell), float)
    epochs = [geometric([course.epoch_of(goal) for course in fell[int(size)]]) for size in sizes]
    intercept, slope = relative_lines(sizes, np.array([epochs]))
    low, high = sizes[0] / REACH, sizes[-1] * REACH
    # Epochs that do not grow with the size: no batch that raced is too large.
    critical = max(intercept[0], 0.0) / slope[0] if slope[0] > 0 else high
    return float(np.clip(critical, low, high))


def _early(fell: Mapping[int, Sequence[Course]]) -> float:
    middle = fell[sorted(fell)[len(fell) // 2]]
    early = geometric([course.loss_at(course.epochs[-1] * EARLY) for course in middle])
    return max([early, *(course.losses[-1] for each in fell.values() for course in each)])


def _learned(courses: Sequence[Course]) -> bool:
    return bool(courses) and all(
        len(course.losses) and course.losses[-1] < course.losses[0] for course in courses
    )


def geometric(values: Sequence[float]) -> float:
    """Their geometric mean."""
    return float(np.exp(np.mean(np.log(values))))


def _join(sizes: Array) -> str:
    return ";".join(f"{size:g}" for size in sizes)
