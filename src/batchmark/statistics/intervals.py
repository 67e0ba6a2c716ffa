"""Estimates with 95 % intervals, vectorised: the last axis of `values` holds the replicates."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
FEWEST_FOR_BOOTSTRAP = 20
# Fewer values do not bound their median at this level without an assumption on their distribution.
FEWEST_FOR_ORDER = 6
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
    the sample's is not believed.
    """
    sample = np.asarray(values, float)
    count = sample.shape[-1]
    mean = sample.mean(axis=-1)
    if count < 2:
        return Interval(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    from scipy.special import stdtrit  # noqa: PLC0415 half a second, not needed by readers

    variance = np.maximum(sample.var(axis=-1, ddof=1), least_variance)
    half = stdtrit(count - 1, (1 + LEVEL) / 2) * np.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


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
    """A mean, its squared standard error and the degrees of freedom of that; arrays."""

    estimate: Array
    squared_error: Array
    freedom: Array


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
        variance = np.where(count > 1, np.maximum(squares / (count - 1), least_variance), np.nan)
        return Mean(mean, variance / count, count - 1)


def counting_variance(cases: ArrayLike) -> Array:
    """Variance of a share from being a whole number of `cases`, uniform over 1 / cases.

    A `least_variance`: seeds that agree by chance are not certain. Add both sides' to a difference.
    """
    return 1 / (12 * np.asarray(cases, float) ** 2)


def total(*means: Mean) -> Test:
    """Welch's test of the sum of independent means (Welch-Satterthwaite degrees of freedom)."""
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415

    estimate = np.sum([mean.estimate for mean in means], axis=0)
    squared = np.sum([mean.squared_error for mean in means], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [mean.squared_error**2 / mean.freedom for mean in means]
        exact = np.min([mean.freedom for mean in means], axis=0)
        freedom = np.where(squared > 0, squared**2 / np.sum(parts, axis=0), exact)
        t = np.where(squared > 0, np.abs(estimate) / np.sqrt(squared), np.inf)
        t = np.where((squared == 0) & (estimate == 0), 0.0, t)
        half = stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(squared)
        p = np.where(np.isnan(squared), np.nan, 2 * stdtr(freedom, -t))
    return Test(estimate, estimate - half, estimate + half, p)


def median(values: ArrayLike, resolution: ArrayLike = 0.0) -> Interval:
    """Median of positive values and its interval; a miss is infinite and stays, NaN is no value.

    From 20 values on a percentile bootstrap. It covers too rarely below (75 % for three values,
    87 % for seven), so there the order statistics, which a single outlier hardly widens; for fewer
    than six values without a miss Student's t on logarithms. `resolution`: spacing of the grid on
    which the values were read off; the interval covers what they were before.
    """
    sample = np.atleast_2d(np.asarray(values, float))
    steps = np.broadcast_to(np.asarray(resolution, float), len(sample))
    counts = (~np.isnan(sample)).sum(axis=1)
    found = np.full((3, len(sample)), np.nan)
    for count in set(counts.tolist()) - {0}:
        rows = counts == count
        present = sample[rows][~np.isnan(sample[rows])].reshape(-1, count)
        few = count < FEWEST_FOR_BOOTSTRAP
        found[:, rows] = _few(present, steps[rows]) if few else bootstrap_median(present)
    return Interval(*(found[:, 0] if np.ndim(values) == 1 else found))


def bootstrap_median(values: Array, seed: int = 0) -> Interval:
    """Percentile bootstrap of the median over the last of two axes; infinities are allowed."""
    count = values.shape[-1]
    chosen = np.random.default_rng(seed).integers(count, size=(DRAWS, count))
    medians = np.array([np.median(row[chosen], axis=-1) for row in values])
    return Interval(np.median(values, axis=-1), *percentiles(medians))


def _few(values: Array, resolution: Array) -> Interval:
    center = np.median(values, axis=-1)
    missed = np.asarray(np.isinf(values).any(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(missed, 0.0, resolution / center)
    inner = student(np.log(np.where(missed[..., None], 1.0, values)), step**2 / 12).exp()
    # The grid delays by half a step on average.
    inner = inner._replace(low=inner.low * np.maximum(1 - step / 2, 0.0))
    low, high = _order_statistics(values)
    low = np.maximum(low - resolution, 0.0)
    ordered = missed | (values.shape[-1] >= FEWEST_FOR_ORDER)
    return Interval(center, np.where(ordered, low, inner.low), np.where(ordered, high, inner.high))


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
    excess = (covered[rank] - LEVEL) / (covered[rank] - covered[rank + 1])
    below = rank + 1
    return rank, (count - below) * excess / (below + (count - 2 * below) * excess)


def _between(outer: Array, inner: Array, share: float) -> Array:
    """`share` of the way from a bound to the next value inwards; a miss is not interpolated."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(inner) | np.isinf(outer), outer, outer + share * (inner - outer))


def product(one: Interval, other: Interval) -> Interval:
    """Interval of the product of two independent positive estimates.

    MOVER on logarithms (Donner & Zou 2012): squared distances to the bounds add up.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        below = _distance(one.estimate, one.low, other.estimate, other.low)
        above = _distance(one.estimate, one.high, other.estimate, other.high)
        estimate = np.asarray(one.estimate) * np.asarray(other.estimate)
        unbounded = np.isinf(np.multiply(one.high, other.high))
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
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def of_draws(draws: Array) -> Interval:
    """The first value, with the 95 % percentile bounds of the others; NaN is no draw."""
    known = draws[1:][~np.isnan(draws[1:])]
    low, high = percentiles(known) if len(known) else (np.nan, np.nan)
    return Interval(draws[0], low, high)


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
    made = {f"{name}{end}": np.where(np.isfinite(x), x, np.nan)[()] for end, x in values}
    return made | {f"{name}_unbounded": np.isposinf(interval.high)[()]}


def from_columns(name: str, table: Mapping[str, Any]) -> Interval:
    """The interval that `columns` made; without its flag an empty bound is an unknown one."""
    estimate, low, high = (np.asarray(table[f"{name}{end}"], float) for end in _ENDS)
    unbounded = np.asarray(table.get(f"{name}_unbounded", False), bool)
    missed = unbounded & np.isnan(estimate)
    return Interval(np.where(missed, np.inf, estimate), low, np.where(unbounded, np.inf, high))
