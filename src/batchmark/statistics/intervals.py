"""Estimates with 95 % intervals, vectorised: the last axis of `values` holds the replicates."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
# Below, resampled medians cover too rarely, see `median`.
FEWEST_FOR_BOOTSTRAP = 20
# Fewer values do not bound their median at this level without an assumption on their distribution.
FEWEST_FOR_ORDER = 6
# The 95 % bounds are then the 50th draw from either end, known to a few ranks.
DRAWS = 2000
_ENDS = ("", "_low", "_high")


class Interval(NamedTuple):
    """An estimate and its 95 % bounds, scalars or arrays of one shape. NaN: no bound known."""

    estimate: Any
    low: Any
    high: Any

    def exp(self) -> "Interval":
        """The interval of exp(x)."""
        return Interval(*(np.exp(part) for part in self))


def student(values: ArrayLike, least_variance: ArrayLike = 0.0) -> Interval:
    """Mean and Student's t interval over the last axis; NaN bounds for fewer than two values.

    `least_variance`: variance known from elsewhere, as that of reading off a grid, below which
    the sample's is not believed; see `_squared_error`.
    """
    sample = np.asarray(values, float)
    count = sample.shape[-1]
    mean = sample.mean(axis=-1)
    if count < 2:
        return Interval(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    from scipy.special import stdtrit  # noqa: PLC0415 half a second, not needed by readers

    squared = _squared_error(sample.var(axis=-1, ddof=1), least_variance, count)
    half = stdtrit(count - 1, (1 + LEVEL) / 2) * np.sqrt(squared)
    return Interval(mean, mean - half, mean + half)


def within(interval: Interval, least: float, most: float) -> Interval:
    """The part of the interval that the quantity can lie in."""
    return interval._replace(
        low=np.maximum(interval.low, least), high=np.minimum(interval.high, most)
    )


def _squared_error(variance: ArrayLike, least: ArrayLike, count: ArrayLike) -> Array:
    """Squared error of a mean of `count` values.

    Values that agree to less than a grid's step share its rounding, which is not averaged; it
    fades as they spread.
    """
    own = np.asarray(variance, float)
    # Half of theirs: none is left once they vary by twice the grid's and fall on several marks.
    return own / np.asarray(count) + np.maximum(np.asarray(least) - own / 2, 0.0)


class Test(NamedTuple):
    """A mean with its 95 % bounds and the two-sided p of its being zero."""

    estimate: Any
    low: Any
    high: Any
    p: Any

    def exp(self) -> "Test":
        """The same for exp(x), p being that of a ratio of 1."""
        return Test(np.exp(self.estimate), np.exp(self.low), np.exp(self.high), self.p)


class Mean(NamedTuple):
    """A mean, its squared standard error and the degrees of freedom of that; numbers or arrays."""

    estimate: Any
    squared_error: Any
    freedom: Any


EXACT = Mean(0.0, 0.0, np.inf)


def student_of(mean: Mean) -> Interval:
    """Student's 95 % interval of a mean."""
    from scipy.special import stdtrit  # noqa: PLC0415 half a second, not needed by readers

    half = stdtrit(mean.freedom, (1 + LEVEL) / 2) * np.sqrt(mean.squared_error)
    return Interval(mean.estimate, mean.estimate - half, mean.estimate + half)


def mean_of(values: ArrayLike, least_variance: ArrayLike = 0.0) -> Mean:
    """The mean over the last axis of the values that are not NaN.

    `least_variance`: as for `student`. The error is NaN for fewer than two values.
    """
    sample = np.asarray(values, float)
    present = ~np.isnan(sample)
    count = present.sum(axis=-1).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(present, sample, 0.0).sum(axis=-1) / count
        squares = np.where(present, (sample - mean[..., None]) ** 2, 0.0).sum(axis=-1)
        variance = np.where(count > 1, squares / (count - 1), np.nan)
        return Mean(mean, _squared_error(variance, least_variance, count), count - 1)


def counting_variance(cases: ArrayLike) -> Array:
    """Variance of a share from being a whole number of `cases`, uniform over 1 / cases.

    A `least_variance`: seeds that agree by chance are not certain. Add both sides' to a difference.
    """
    return 1 / (12 * np.asarray(cases, float) ** 2)


# An evaluation's epoch is a sum of steps: its distance from the one before has rounding errors.
_ROUNDING = 1 + 1e-9


def first_seen(readings: ArrayLike, steps: ArrayLike) -> NDArray[np.bool_]:
    """Whether the first evaluation of all saw the target, which then tells an upper bound only."""
    return np.asarray(readings, float) <= np.asarray(steps, float) * _ROUNDING


def crossed(readings: ArrayLike, steps: ArrayLike) -> Array:
    """When a target was crossed that an evaluation saw `steps` after the one before.

    The middle of that step, for a reading is late by half of it on average: logarithms and ratios
    of readings would make what is fast look slow. The reading itself where it is an upper bound
    (`first_seen`), as a miss counts as its lower one.
    """
    late = np.where(first_seen(readings, steps), 0.0, np.asarray(steps, float) / 2)
    return np.asarray(readings, float) - late


def grid_variance(readings: Array, steps: Array) -> Array:
    """Variance of log epochs from reading them off evaluations, the largest of the last axis."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.asarray(steps, float) / crossed(readings, steps)
    return np.fmax.reduce(relative**2 / 12, axis=-1, initial=0.0)


def agree(variance: ArrayLike, estimate: ArrayLike) -> NDArray[np.bool_]:
    """Whether replicates agree but for rounding errors, so that they tell of no variance."""
    return np.asarray(variance) <= (1e-9 * np.abs(estimate)) ** 2


def degrees_of_freedom(squared: Sequence[ArrayLike], freedom: Sequence[ArrayLike]) -> Array:
    """Of a sum of independent estimates with these squared errors (Welch-Satterthwaite)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.broadcast_arrays(*squared)
        parts = [one**2 / own for one, own in zip(errors, freedom, strict=True)]
        return np.sum(errors, axis=0) ** 2 / np.sum(parts, axis=0)


def total(*means: Mean) -> Test:
    """Welch's test of the sum of independent means (Welch-Satterthwaite degrees of freedom).

    Where nothing varies and no variance is known, the sign test: p = 2 / 2^n, and no bounds for
    fewer replicates than reach the level with it.
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415

    estimate = sum(mean.estimate for mean in means)
    squared = sum(mean.squared_error for mean in means)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = reduce(np.minimum, (mean.freedom for mean in means)) + 1
        equal = agree(squared, estimate)
        freedom = degrees_of_freedom(
            [mean.squared_error for mean in means], [mean.freedom for mean in means]
        )
        freedom = np.where(equal, count - 1, freedom)
        half = stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(squared)
        half = np.where(equal & (count < FEWEST_FOR_ORDER), np.nan, half)
        p = 2 * stdtr(freedom, -np.abs(estimate) / np.sqrt(squared))
        # All n on one side, by chance on either: 2 / 2^n.
        p = np.where(equal, np.where(estimate == 0, 1.0, 2.0 ** (1 - count)), p)
    return Test(estimate, estimate - half, estimate + half, p)


def median(values: ArrayLike, steps: ArrayLike = 0.0) -> Interval:
    """Median of positive values and its interval; a miss is infinite and stays, NaN is no value.

    From 20 values on a percentile bootstrap. It covers too rarely below (75 % for three values,
    87 % for seven), so there the order statistics, which a single outlier hardly widens; for fewer
    than six values without a miss Student's t on logarithms. `steps`: the values are readings that
    far behind the ones before, of which the target was `crossed` in between; that is estimated.
    """
    sample = np.atleast_2d(np.asarray(values, float))
    widths = np.broadcast_to(np.asarray(steps, float), sample.shape)
    counts = (~np.isnan(sample)).sum(axis=1)
    intervals = np.full((3, len(sample)), np.nan)
    for count in set(counts.tolist()) - {0}:
        rows = counts == count
        known = ~np.isnan(sample[rows])
        readings, behind = (part[rows][known].reshape(-1, count) for part in (sample, widths))
        small = count < FEWEST_FOR_BOOTSTRAP
        intervals[:, rows] = _few(readings, behind) if small else _many(readings, behind)
    return Interval(*(intervals[:, 0] if np.ndim(values) == 1 else intervals))


def _many(readings: Array, steps: Array) -> Interval:
    """Resampled evaluations before and after: the truth lies somewhere between the two."""
    center = np.median(crossed(readings, steps), axis=-1)
    low, high = bootstrap_median(readings - steps).low, bootstrap_median(readings).high
    return Interval(center, low, high)


def bootstrap_median(values: Array, seed: int = 0) -> Interval:
    """Percentile bootstrap of the median over the last of two axes; infinities are allowed."""
    count = values.shape[-1]
    # The same resamples for every row, so that equal rows get equal bounds.
    chosen = np.random.default_rng(seed).integers(count, size=(DRAWS, count))
    medians = np.array([np.median(row[chosen], axis=-1) for row in values])
    return Interval(np.median(values, axis=-1), *percentiles(medians))


def _few(readings: Array, steps: Array) -> Interval:
    values = crossed(readings, steps)
    missed = np.any(np.isinf(values), axis=-1)
    logs = np.log(np.where(missed[..., None], 1.0, values))
    inner = student(logs, grid_variance(readings, steps)).exp()
    # What the first evaluation saw already may have come any time before.
    inner_low = np.where(first_seen(readings, steps).any(axis=-1), 0.0, inner.low)
    low, high = _order_statistics(readings - steps)[0], _order_statistics(readings)[1]
    ordered = missed | (values.shape[-1] >= FEWEST_FOR_ORDER)
    return Interval(
        np.median(values, axis=-1),
        np.where(ordered, low, inner_low),
        np.where(ordered, high, inner.high),
    )


def _order_statistics(values: Array) -> tuple[Array, Array]:
    """Bounds of the median from the sign test, interpolated (Hettmansperger & Sheather 1986).

    Fewer than six values bound it from neither side at this level: 0 and infinity.
    """
    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    if count < FEWEST_FOR_ORDER:
        return np.zeros(ordered.shape[:-1]), np.full(ordered.shape[:-1], np.inf)
    rank, share = _outer_rank(count)
    return (
        _between(ordered[..., rank], ordered[..., rank + 1], share),
        _between(ordered[..., count - 1 - rank], ordered[..., count - 2 - rank], share),
    )


def _outer_rank(count: int) -> tuple[int, float]:
    """The innermost rank from either end that covers enough, and how far to go to the next."""
    from scipy.special import bdtr  # noqa: PLC0415

    covered = 1 - 2 * bdtr(np.arange(count // 2), count, 0.5)
    rank = int(np.flatnonzero(covered >= LEVEL)[-1])
    # Their weights: not in proportion to coverage, for inner values lie closer together.
    excess = (covered[rank] - LEVEL) / (covered[rank] - covered[rank + 1])
    below = rank + 1
    return rank, (count - below) * excess / (below + (count - 2 * below) * excess)


def _between(outer: Array, inner: Array, share: float) -> Array:
    """`share` of the way from a bound to the next value inwards; a miss is not interpolated."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(inner) | np.isinf(outer), outer, outer + share * (inner - outer))


def product(first: Interval, second: Interval) -> Interval:
    """Interval of the product of two independent positive estimates.

    MOVER on logarithms (Donner & Zou 2012): squared distances to the bounds add up.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        below = _distance(first.estimate, first.low, second.estimate, second.low)
        above = _distance(first.estimate, first.high, second.estimate, second.high)
        estimate = np.asarray(first.estimate) * np.asarray(second.estimate)
        unbounded = np.isinf(np.multiply(first.high, second.high))
        high = np.where(unbounded, np.inf, estimate * np.exp(above))[()]
        return Interval(estimate, estimate * np.exp(-below), high)


def _distance(one: Any, one_bound: Any, other: Any, other_bound: Any) -> Array:
    return np.hypot(np.log(one / one_bound), np.log(other / other_bound))


def wilson(successes: ArrayLike, trials: ArrayLike) -> Interval:
    """Share of successes with Wilson's score interval (Wilson 1927)."""
    from scipy.special import ndtri  # noqa: PLC0415

    z = ndtri((1 + LEVEL) / 2)
    n = np.asarray(trials, float)
    share = np.asarray(successes, float) / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Interval(share, np.clip(center - half, 0, 1), np.clip(center + half, 0, 1))


def holm(p_values: ArrayLike) -> Array:
    """Holm's adjusted p (Holm 1979); NaN entries are no tests and stay NaN."""
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    # The smallest p is one of n tests, the next one of n - 1, …
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def false_discovery(p_values: ArrayLike) -> Array:
    """Benjamini & Hochberg's adjusted p (1995); NaN entries are no tests and stay NaN.

    Of the tests whose adjusted p is at most 5 %, as few are false discoveries in expectation.
    """
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(-p[tested], kind="stable")]
    # From the largest p down, rank n first; an adjusted p is never above that of a larger p.
    shares = len(order) / np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum.accumulate(shares)
    return adjusted


def of_draws(draws: Array) -> Interval:
    """The first value, with the 95 % percentile bounds of the others; NaN is no draw.

    It reaches to its estimate, which lies below all draws where nothing can be less.
    """
    known = draws[1:][~np.isnan(draws[1:])]
    low, high = percentiles(known) if len(known) else (np.nan, np.nan)
    return Interval(draws[0], np.minimum(low, draws[0]), np.maximum(high, draws[0]))


def percentiles(draws: ArrayLike) -> tuple[Any, Any]:
    """The bounds between which 95 % of the draws along the last axis lie; values among them."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.asarray(draws), [tail, 1 - tail], axis=-1, method="inverted_cdf")
    return low, high


def columns(name: str, interval: Interval) -> dict[str, Any]:
    """Estimate and bounds as `{name}`, `{name}_low`, `{name}_high`; the infinite is empty (NaN).

    `{name}_unbounded` says that the upper bound is empty because it is infinite, not unknown.
    """
    values = zip(_ENDS, interval, strict=True)
    # `[()]` makes a scalar of an array without axes.
    made = {f"{name}{end}": np.where(np.isfinite(x), x, np.nan)[()] for end, x in values}
    return made | {f"{name}_unbounded": np.isposinf(interval.high)[()]}


def from_columns(name: str, table: Mapping[str, Any]) -> Interval:
    """The interval that `columns` made; without its flag an empty bound is an unknown one."""
    estimate, low, high = (np.asarray(table[f"{name}{end}"], float) for end in _ENDS)
    unbounded = np.asarray(table.get(f"{name}_unbounded", False), bool)
    missed = unbounded & np.isnan(estimate)
    return Interval(np.where(missed, np.inf, estimate), low, np.where(unbounded, np.inf, high))


def number(value: float) -> float | None:
    """A JSON number; null for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
