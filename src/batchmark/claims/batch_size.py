"""Claims about how many epochs and how much time the target takes at which batch size."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr

from batchmark.claims.decision import (
    RESOLVABLE,
    Decision,
    all_of,
    as_ratio,
    bounded,
    cross_fitted,
    decide,
    decide_mean,
    inverted,
    left_out_best,
    negated,
)
from batchmark.claims.evidence import (
    FAILED,
    Evidence,
    Family,
    Finding,
    Pair,
    bounds,
    claim,
    families_of,
    finding,
    main_family,
    pairs,
    per_policy,
    phrase,
    speed_ups,
)
from batchmark.statistics.intervals import Array, Mean, first_seen, grid_variance, mean_of, wilson
from batchmark.statistics.log_times import blocks, log_times
from batchmark.statistics.outcomes import column

Mask = NDArray[np.bool_]

# As many as the published study trained.
ENOUGH_EPOCHS = 200
# Four of four fail by chance in one case of 16, five of five in one of 32.
FEWEST_TRIALS = 5
# Stands for a value that no size in between is chosen for, above any real one.
LAST_CHOICE = 1e6


def slopes(x: Array, y: Array) -> Array:
    """Least-squares slope over the first axis for every replicate (column) of `y`."""
    away = x - x.mean()
    return away @ y / (away @ away)


def slope_variance(x: Array, variance: Array) -> float:
    """Variance of such a slope when each point has its own."""
    away = x - x.mean()
    return float(away**2 @ variance / (away @ away) ** 2)


@claim("less-oscillation")
@per_policy
def less_oscillation(family: Family) -> Finding | None:
    """Does the spread of the later step losses fall with the batch size by an exponent over 0.1?"""
    family = family.only(family.learns)
    if len(family.rows) < 3:
        return None
    with np.errstate(divide="ignore"):
        spread = np.log(family.trials("oscillation"))
    known = np.isfinite(spread).any(axis=1)
    # Seeds that were trained until the target only have no later half.
    spread = spread[:, np.isfinite(spread[known]).all(axis=0)]
    if known.sum() < 3 or not spread.size:
        return None
    exponent = slopes(np.log(family.sizes[known]), spread[known])
    return finding(
        decide(-exponent, 0.1, show=negated),
        smallest=family.sizes[known][0],
        largest=family.sizes[known][-1],
    )


@claim("too-small-fails")
@per_policy
def too_small_fails(family: Family) -> Finding | None:
    """Do more than half of the trials at batch sizes 1 and 2 fail in 200 epochs?"""
    family = family.only(family.sizes <= 2)
    if not len(family.rows):
        return None
    failed, reached = _fates(family)
    n = failed + reached
    if not n:
        return None
    share = wilson(failed, n)
    effect, low, high = (float(part) for part in share)
    few = n < FEWEST_TRIALS
    verdict = "supported" if low > 0.5 else "refuted" if high < 0.5 else "inconclusive"
    p = min(1.0, 2 * float(bdtr(min(failed, reached), n, 0.5)))
    return finding(
        Decision("inconclusive" if few else verdict, effect, low, high, 0.5, n, p),
        failed=failed,
        kinds=sorted(set(_trials(family)["status"])),
        epochs=float(_trials(family)["budget"].max()),
        few=phrase("few", fewest=FEWEST_TRIALS) if few else "",
    )


def _trials(family: Family) -> pd.DataFrame:
    ids = [family.data.ids[row] for row in family.rows]
    return family.data.outcomes[family.data.outcomes["variant"].isin(ids)]


def _fates(family: Family) -> tuple[int, int]:
    """(failed, reached); a miss in a budget below 200 epochs is neither."""
    trials = _trials(family)
    epochs = trials[column(family.data.target)].to_numpy(float)
    missed = np.isinf(epochs)
    hopeless = trials["status"].isin(FAILED).to_numpy(bool)
    enough = (trials["budget"] >= ENOUGH_EPOCHS).to_numpy(bool)
    return int((missed & (hopeless | enough)).sum()), int(np.isfinite(epochs).sum())


@claim("more-epochs")
@per_policy
def more_epochs(family: Family) -> Finding | None:
    """Do epochs to target grow with the batch size by an exponent over 0.05?"""
    family = family.only(family.learns & family.ran)
    if len(family.rows) < 3 or family.missed.all():
        return None
    return finding(
        _growth(family),
        smallest=family.sizes[0],
        largest=family.sizes[-1],
        missed=int(family.missed.sum()),
        trials=int(family.asked.sum()),
    )


def _growth(family: Family) -> Decision:
    """Does log epochs rise with log batch size by more than 0.05?"""
    sizes, missed, first = np.log(family.sizes), family.missed, family.first_seen
    # Sizes in contention have more seeds than others: estimated together, each counts.
    sound = np.asarray(~missed.any(axis=1))
    means = blocks(np.log(family.epochs()), sound, family.grid_variance())
    weights = slopes(sizes, np.eye(len(sizes)))
    squared = weights @ means.covariance @ weights
    slope = Mean(weights @ means.estimate, squared, np.array(means.freedom))
    growth = decide_mean(slope, 0.05, n=family.seeds)
    # A miss among the small sizes understates their epochs and so overstates the growth.
    small = sizes < sizes.mean()
    return bounded(
        growth,
        too_low=bool(missed[~small].any() or first[small].any()),
        too_high=bool(missed[small].any() or first[~small].any()),
    )


@claim("time-optimum")
@per_policy
def time_optimum(family: Family) -> Finding | None:
    """Is the best size in between faster than both ends by more than 10 %?"""
    family = family.only(~np.isnan(family.relative_seconds) & family.ran)
    if len(family.rows) < 3:
        return None
    missed = family.missed
    if missed.all():
        return None
    interior = _fastest_between(family)
    return finding(
        all_of(interior.ends),
        **_ends_and_best(family, interior),
        warning=_warning(family, missed),
    )


@claim("accuracy-optimum")
@per_policy
def accuracy_optimum(family: Family) -> Finding | None:
    """Has the best size in between an error lower than both ends' by over 0.3 points?"""
    family = family.only(family.ran)
    unsettled = ~family.settled
    counted = family.counting_variance("best_validation_error")
    test = partial(decide, margin=RESOLVABLE, parts=2, least_variance=counted)
    errors = family.trials("best_validation_error")
    interior = _interior(errors, np.zeros_like(unsettled), unsettled, test)
    if interior is None:
        return None
    return finding(
        all_of(interior.ends),
        budget=np.nanmax(family.data.budget[family.rows]),
        **_ends_and_best(family, interior),
        warning=_warning(family, unsettled),
    )


class Interior(NamedTuple):
    """The decisions against the smallest and the largest size, and the rows chosen in between."""

    ends: list[Decision]
    chosen: list[int]


def _fastest_between(family: Family) -> Interior:
    """Is the size in between that looks fastest faster than both ends by more than 10 %?

    All are estimated together, as some have more seeds than others; that one of several is chosen
    for looking fastest widens the intervals (Bonferroni).
    """
    times = log_times(family.data, family.rows, family.data.target)
    inside = range(1, len(family.rows) - 1)
    best = min(inside, key=lambda row: (times.missed[row], times.estimate[row]))
    ends = [
        bounded(
            decide_mean(
                times.difference(end, best),
                np.log(1.1),
                n=family.seeds,
                show=as_ratio,
                parts=2,
                choices=len(inside),
            ),
            too_low=bool(times.missed[end] or times.first[best]),
            too_high=bool(times.first[end] or times.missed[best]),
        )
        for end in (0, -1)
    ]
    return Interior(ends, [best])


def _interior(
    values: Array, lower: Mask, upper: Mask, test: Callable[..., Decision]
) -> Interior | None:
    """Is the least of `values` [size, seed] in between, by `test` against both ends?

    Some values are only `lower`, or `upper`, bounds of the truth. The size in between is chosen on
    the other seeds, one without lower bounds where there is one.
    """
    known = ~np.isnan(values).any(axis=0)
    values, lower, upper = values[:, known], lower[:, known], upper[:, known]
    if values.shape[1] == 0 or len(values) < 3:
        return None
    rows = 1 + left_out_best(np.where(lower, -LAST_CHOICE, -values)[1:-1])
    best = rows, np.arange(len(rows))
    ends = [
        bounded(
            test(values[end] - values[best], chosen=len(values) > 3),
            too_low=bool(lower[end].any() or upper[best].any()),
            too_high=bool(upper[end].any() or lower[best].any()),
        )
        for end in (0, -1)
    ]
    return Interior(ends, sorted(set(rows.tolist())))


def _ends_and_best(family: Family, interior: Interior) -> dict[str, object]:
    first, last = interior.ends
    return {
        "smallest": family.sizes[0],
        "largest": family.sizes[-1],
        "best": [family.sizes[row] for row in interior.chosen],
        **bounds("first", first),
        **bounds("last", last),
    }


def _warning(family: Family, doubtful: Mask) -> object:
    """Which sizes have doubtful trials, as the end of a sentence; empty where none has."""
    sizes = list(family.sizes[doubtful.any(axis=1)])
    return phrase("warning", sizes=sizes) if sizes else ""


@claim("grows-with-data")
def grows_with_data(evidence: Evidence) -> Finding | None:
    """Does the fastest batch size grow with the training set by an exponent over 0.1?"""
    candidates = families_of(evidence.study("train_size"), 3)
    best = [(_images(family), _best_sizes(family)) for family in candidates]
    known = {images: sizes for images, sizes in best if sizes is not None}
    if len(known) < 2:
        return None
    images, logs = np.log(list(known)), np.log(np.array(list(known.values())))
    logs = logs[:, ~np.isnan(logs).any(axis=0)]
    least = slope_variance(images, np.full(len(known), max(map(_choice_variance, candidates))))
    return finding(
        decide(slopes(images, logs), 0.1, least_variance=least),
        fewest=int(min(known)),
        most=int(max(known)),
        known=len(known),
        count=len(candidates),
    )


def _choice_variance(family: Family) -> float:
    """Variance of the log of a chosen size from there being none in between: gap squared / 12."""
    # The widest gap: which sizes the true one lies between is not known.
    return float(np.diff(np.log(family.sizes)).max() ** 2 / 12)


def _images(family: Family) -> float:
    return float(family.data.variants["train_size"].iloc[family.rows[0]])


def _best_sizes(family: Family) -> Array | None:
    """The fastest size per seed, NaN where not all sizes have it; None where it is unknown.

    Unknown: the target was reached nowhere, a miss spent less time than the best took, or another
    size was there at its first evaluation, nobody knows how long before.
    """
    family = family.only(~np.isnan(family.relative_seconds) & family.ran)
    seconds = family.epochs() * family.relative_seconds[:, None]
    common = ~np.any(np.isnan(seconds), axis=0)
    seconds, missed, first = (
        part[:, common] for part in (seconds, family.missed, family.first_seen)
    )
    reached = np.where(missed, np.inf, seconds)
    if not seconds.size or (reached.min(axis=0) > seconds.min(axis=0)).any():
        return None
    best, seeds = reached.argmin(axis=0), np.arange(seconds.shape[1])
    if (first.sum(axis=0) > first[best, seeds]).any():
        return None
    sizes = np.full(len(common), np.nan)
    sizes[common] = family.sizes[best]
    return sizes


FEWEST_TARGETS = 3
FEWEST_SIZES = 4


class Read(NamedTuple):
    """log epochs to a target [size, seed] of sizes that all seeds reached, none at the first look.

    `variance`: from reading them off the evaluations, per size.
    """

    sizes: Array
    logs: Array
    variance: Array


def _read(family: Family, targets: list[float]) -> dict[float, Read]:
    """Of the seeds that were asked for all the targets; targets with too few sizes are left out."""
    readings = {target: family.data.readings(target) for target in targets}
    epochs = np.array([family.data.epochs_to(target)[family.rows] for target in targets])
    ran = ~np.isnan(epochs).all(axis=(0, 2))
    seeds = ~np.isnan(epochs[:, ran]).any(axis=(0, 1))
    reads = {}
    for target, own in zip(targets, epochs[:, :, seeds], strict=True):
        seen, steps = (part[family.rows][:, seeds] for part in readings[target])
        known = np.isfinite(own).all(axis=1) & ~first_seen(seen, steps).any(axis=1)
        if seeds.any() and known.sum() >= FEWEST_SIZES:
            sizes = family.sizes[known].astype(float)
            variance = grid_variance(seen[known], steps[known])
            reads[target] = Read(sizes, np.log(own[known]), variance)
    return reads


def _log_critical(sizes: Array, logs: Array) -> float:
    """log B_crit of E = E_min (1 + B / B_crit), fitted to relative errors; NaN: none positive."""
    epochs = np.exp(logs)
    # Weights 1 / E make squared errors relative ones.
    slope, intercept = np.polyfit(sizes, epochs, 1, w=1 / epochs)
    return float(np.log(intercept / slope)) if intercept > 0 and slope > 0 else np.nan


def pseudo_values(values: Array, estimate: Callable[[Array], float]) -> Array:
    """Jackknife replicates, one a column, of an estimate from the columns' mean (Tukey 1958)."""
    n = values.shape[1]
    whole = estimate(values.mean(axis=1))
    if n < 2:
        return np.array([whole])
    without = [estimate(np.delete(values, column, axis=1).mean(axis=1)) for column in range(n)]
    return n * whole - (n - 1) * np.array(without)


def propagated(variance: Array, at: Array, estimate: Callable[[Array], float]) -> float:
    """Variance of an estimate from that of each of the values it is made of (delta method)."""
    # Of a logarithm of epochs: small against its curvature, large against rounding.
    step = 1e-4
    slopes = [
        (estimate(at + away) - estimate(at - away)) / (2 * step) for away in step * np.eye(len(at))
    ]
    return float(np.square(slopes) @ variance)


def log_critical_size(family: Family) -> Mean | None:
    """log B_crit at the main target, seeds being the replicates; None where it is not to be had."""
    read = _read(family, [family.data.target]).get(family.data.target)
    if read is None:
        return None
    estimate = partial(_log_critical, read.sizes)
    values = pseudo_values(read.logs, estimate)
    if len(values) < 2 or np.isnan(values).any():
        return None
    return mean_of(values, propagated(read.variance, read.logs.mean(axis=1), estimate))


@claim("critical-grows-with-target")
def critical_grows_with_target(evidence: Evidence) -> Finding | None:
    """Does the critical batch size grow with 1 / (1 - target) by an exponent over 0.1?"""
    family = main_family(evidence, FEWEST_SIZES)
    read = _read(family, family.data.targets) if family else {}
    if family is None or len(read) < FEWEST_TARGETS:
        return None
    strictness = -np.log(1 - np.array(list(read)))
    parts = np.cumsum([len(points.sizes) for points in read.values()])[:-1]
    logs, variance = (
        np.concatenate([getattr(points, name) for points in read.values()])
        for name in ("logs", "variance")
    )

    def exponent(values: Array) -> float:
        own = zip(read.values(), np.split(values, parts), strict=True)
        criticals = np.array([_log_critical(points.sizes, part) for points, part in own])
        return float(slopes(strictness, criticals))

    values = pseudo_values(logs, exponent)
    if np.isnan(values).any():
        return None
    return finding(
        decide(values, 0.1, least_variance=propagated(variance, logs.mean(axis=1), exponent)),
        easiest=min(read),
        hardest=max(read),
        targets=len(read),
    )


COMMON_SIZES = 50, 100
SCALED = (0.5, 1.0)


@claim("online-works")
def online_works(evidence: Evidence) -> Finding | None:
    """Do single examples at a scaled rate need at most 1.5 times the epochs of 50 to 100?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: v["batch_size"] == 1,
        control=lambda v: v["batch_size"].between(*COMMON_SIZES),
        differing=("batch_size", "rate"),
    )
    tested = [pair for pair in tested if _scaled(pair)]
    gains = speed_ups(tested)
    if not gains.logs.size:
        return None
    chosen = left_out_best(gains.logs)
    decision = decide(
        cross_fitted(gains.logs),
        -np.log(1.5),
        chosen=len(gains.logs) > 1,
        least_variance=float(gains.least_variance.max()),
        show=inverted,
    )
    return finding(
        bounded(
            decision,
            too_low=bool(gains.too_low[chosen].any()),
            too_high=bool(gains.too_high[chosen].any()),
        ),
        rules=len(gains.logs),
        missed=sum(pair.missed for pair in tested),
    )


def _scaled(pair: Pair) -> bool:
    """Is the rate at the smaller size scaled with the root of the size, or in proportion to it?"""
    both = pair.data.variants.iloc[[pair.treated, pair.control]]
    sizes, rates = np.log(both[["batch_size", "learning_rate"]].to_numpy(float)).T
    exponent = (rates[1] - rates[0]) / (sizes[1] - sizes[0])
    return not pair.describe("tuned") and bool(np.isclose(exponent, SCALED, atol=0.01).any())
