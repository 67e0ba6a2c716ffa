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
    decide,
    left_out_best,
    negated,
)
from batchmark.claims.evidence import (
    FAILED,
    Evidence,
    Family,
    Finding,
    bounds,
    claim,
    families_of,
    finding,
    per_policy,
    phrase,
)
from batchmark.statistics.intervals import Array, wilson
from batchmark.statistics.outcomes import column

Mask = NDArray[np.bool_]

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
        trials=family.missed.size,
    )


def _growth(family: Family) -> Decision:
    """Does log epochs rise with log batch size by more than 0.05?"""
    logs, sizes = np.log(family.epochs()), np.log(family.sizes)
    logs = logs[:, ~np.isnan(logs).any(axis=0)]
    least = slope_variance(sizes, family.grid_variance())
    found = decide(slopes(sizes, logs), 0.05, least_variance=least)
    small, missed, first = sizes < sizes.mean(), family.missed, family.first_seen
    return bounded(
        found,
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
    logs = np.log(family.epochs() * family.relative_seconds[:, None])
    least = 2 * float(np.median(family.grid_variance()[~missed.all(axis=1)]))
    test = partial(decide, margin=np.log(1.1), show=as_ratio, least_variance=least, parts=2)
    found = _interior(logs, missed, family.first_seen, test)
    if found is None:
        return None
    return finding(
        all_of(found.ends),
        **_ends_and_best(family, found),
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
    found = _interior(errors, np.zeros_like(unsettled), unsettled, test)
    if found is None:
        return None
    return finding(
        all_of(found.ends),
        budget=np.nanmax(family.data.budget[family.rows]),
        **_ends_and_best(family, found),
        warning=_warning(family, unsettled),
    )


class Interior(NamedTuple):
    """The decisions against the smallest and the largest size, and the rows chosen in between."""

    ends: list[Decision]
    chosen: list[int]


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


def _ends_and_best(family: Family, found: Interior) -> dict[str, object]:
    first, last = found.ends
    return {
        "smallest": family.sizes[0],
        "largest": family.sizes[-1],
        "best": [family.sizes[row] for row in found.chosen],
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
    found = families_of(evidence.study("train_size"), 3)
    best = [(_images(family), _best_sizes(family)) for family in found]
    known = {images: sizes for images, sizes in best if sizes is not None}
    if len(known) < 2:
        return None
    images, logs = np.log(list(known)), np.log(np.array(list(known.values())))
    logs = logs[:, ~np.isnan(logs).any(axis=0)]
    least = slope_variance(images, np.full(len(known), max(map(_choice_variance, found))))
    return finding(
        decide(slopes(images, logs), 0.1, least_variance=least),
        fewest=int(min(known)),
        most=int(max(known)),
        known=len(known),
        count=len(found),
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
