"""Claims about learning rates: which suits a batch size, and what may stand in for lowering it.

"The best rate" is the one of those tried, fixed or tuned, that is best on the other seeds.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.claims.batch_size import slope_variance, slopes
from batchmark.claims.decision import (
    RESOLVABLE,
    Decision,
    all_of,
    as_ratio,
    bounded,
    decide,
    equal,
    left_out_best,
    negated,
)
from batchmark.claims.evidence import (
    Choice,
    Evidence,
    Family,
    Finding,
    Pair,
    bounds,
    claim,
    families_of,
    finding,
    matrix,
    mean_counting_variance,
    pairs,
    same_but,
)
from batchmark.claims.optimizers import COMMON_MOMENTUM
from batchmark.statistics.intervals import Array
from batchmark.statistics.study_data import StudyData

SMALLEST, REFERENCE = 5, 100
# A hundredfold apart: where an interaction with the size must show.
SMALL, LARGE = 10, 1000
# A line needs a point to deviate; a best rate needs others on both sides.
FEWEST_SIZES, FEWEST_RATES = 3, 5
# Updates of a growing batch over those of a constant one.
FEWER = 0.75
# Of options that missed the target, above any log of epochs.
MISSED = 1e3


class Growth(NamedTuple):
    """Exponents of epochs to target over batch size, one a seed, and which bounds they are."""

    exponents: Array
    least_variance: float
    too_low: bool
    too_high: bool


def _growth(family: Family) -> Growth:
    logs, sizes = np.log(family.epochs()), np.log(family.sizes)
    small, missed, first = sizes < sizes.mean(), family.missed, family.first_seen
    return Growth(
        slopes(sizes, logs[:, ~np.isnan(logs).any(axis=0)]),
        slope_variance(sizes, family.grid_variance()),
        too_low=bool(missed[~small].any() or first[small].any()),
        too_high=bool(missed[small].any() or first[~small].any()),
    )


@claim("linear-rate-rule")
def linear_rate_rule(evidence: Evidence) -> Finding | None:
    """With rates in proportion: exponent of epochs within 0.1 up to size 100, above 0.3 beyond?"""
    every = [family for data in evidence.studies for family in families_of(data)]
    family = next((family for family in every if _in_proportion(family)), None)
    if family is None:
        return None
    below, above = (
        _growth(family.only(chosen))
        for chosen in (
            (family.sizes >= SMALLEST) & (family.sizes <= REFERENCE),
            family.sizes >= REFERENCE,
        )
    )
    if not below.exponents.size:
        return None
    level = equal(
        below.exponents,
        0.1,
        least_variance=below.least_variance,
        too_low=below.too_low,
        too_high=below.too_high,
        parts=3,
    )
    steep = bounded(
        decide(above.exponents, 0.3, least_variance=above.least_variance, parts=3),
        too_low=above.too_low,
        too_high=above.too_high,
    )
    return finding(
        all_of([*level, steep]),
        largest=family.sizes[-1],
        missed=int(family.missed[family.sizes >= SMALLEST].sum()),
        **bounds("below", level[0]),
        **bounds("above", steep),
    )


def _in_proportion(family: Family) -> bool:
    """Are rates in proportion to sizes, of which enough are up to the reference and some beyond?"""
    variants = family.data.variants.iloc[family.rows]
    rates = variants["learning_rate"].to_numpy(float) / family.sizes
    below = (family.sizes >= SMALLEST) & (family.sizes <= REFERENCE)
    return (
        not variants["tuned"].any()
        and bool(np.allclose(rates, rates[0], rtol=0.01))
        and below.sum() >= FEWEST_SIZES
        and REFERENCE in family.sizes
        and family.sizes[-1] > REFERENCE
    )


class Grid(NamedTuple):
    """Errors [size, rate, seed] of all rates at all sizes, both rising."""

    sizes: Array
    rates: Array
    errors: Array

    @property
    def gap(self) -> float:
        """Distance of the rates' logarithms, the largest."""
        return float(np.diff(np.log(self.rates)).max())


def _grid(evidence: Evidence, optimizer: str) -> Grid | None:
    """The largest grid of rates that an optimizer without momentum was tried at."""
    grids = [
        grid
        for data in evidence.studies
        for rows in same_but(data.variants, ("batch_size", "rate"))
        if (grid := _grid_of(data, rows, optimizer))
    ]
    return max(grids, key=lambda grid: grid.errors.size, default=None)


def _grid_of(data: StudyData, rows: list[int], optimizer: str) -> Grid | None:
    mine = data.variants.iloc[rows]
    fixed = (mine["optimizer"] == optimizer) & (mine["momentum"] == 0) & ~mine["tuned"].astype(bool)
    tried = mine.assign(row=rows)[fixed]
    table = tried.pivot(index="batch_size", columns="learning_rate", values="row")
    table = table.dropna(axis=1)
    if table.shape[0] < FEWEST_SIZES or table.shape[1] < FEWEST_RATES:
        return None
    chosen = table.to_numpy(int)
    errors = data.trials("best_validation_error")[chosen]
    # A trial that diverged before it was ever evaluated is as wrong as can be.
    errors = np.where(np.isnan(errors) & np.isinf(data.epochs_to()[chosen]), 1.0, errors)
    errors = errors[:, :, ~np.isnan(errors).any(axis=(0, 1))]
    if not errors.size:
        return None
    return Grid(table.index.to_numpy(float), table.columns.to_numpy(float), errors)


@claim("rate-exponent")
def rate_exponent(evidence: Evidence) -> Finding | None:
    """Does the best rate grow with the size's power 0.7 to 1.2 for SGD, 0.3 to 0.7 for Adam?"""
    sgd, adam = (_exponent(evidence, name) for name in ("sgd", "adam"))
    if sgd is None or adam is None:
        return None
    ends = [*sgd.between(0.7, 1.2), *adam.between(0.3, 0.7)]
    return finding(
        all_of(ends),
        **bounds("sgd", ends[0]),
        **bounds("adam", ends[2]),
        sizes=[int(size) for size in sgd.sizes],
    )


class Exponent(NamedTuple):
    """Exponents of the best rate over these batch sizes, one a seed."""

    sizes: Array
    exponents: Array
    least_variance: float

    def between(self, low: float, high: float) -> list[Decision]:
        """Is their mean above `low`, and is it below `high`?"""
        above = decide(self.exponents, low, least_variance=self.least_variance, parts=4)
        below = decide(
            -self.exponents, -high, least_variance=self.least_variance, parts=4, show=negated
        )
        return [above, below]


def _exponent(evidence: Evidence, optimizer: str) -> Exponent | None:
    """Over the sizes whose best rate lies inside of the grid for every seed."""
    grid = _grid(evidence, optimizer)
    if grid is None:
        return None
    best = grid.errors.argmin(axis=1)
    inside = ((best > 0) & (best < len(grid.rates) - 1)).all(axis=1)
    if inside.sum() < FEWEST_SIZES:
        return None
    sizes = grid.sizes[inside]
    least = slope_variance(np.log(sizes), np.full(len(sizes), grid.gap**2 / 12))
    return Exponent(sizes, slopes(np.log(sizes), np.log(grid.rates[best[inside]])), least)


@claim("range-narrows")
def range_narrows(evidence: Evidence) -> Finding | None:
    """Do SGD's rates with at most twice the least error span 0.2 decades less a decade of size?"""
    grid = _grid(evidence, "sgd")
    if grid is None:
        return None
    usable = grid.errors <= 2 * grid.errors.min(axis=1, keepdims=True)
    gap = grid.gap / np.log(10)
    widths, sizes = gap * usable.sum(axis=1), np.log10(grid.sizes)
    cut = (usable[:, 0] | usable[:, -1]).any(axis=1)
    small = sizes < sizes.mean()
    # Each of a range's two ends is known to within a gap: gap² / 12 each.
    least = slope_variance(sizes, np.full(len(sizes), gap**2 / 6))
    return finding(
        bounded(
            decide(-slopes(sizes, widths), 0.2, least_variance=least, show=negated),
            too_low=bool(cut[small].any()),
            too_high=bool(cut[~small].any()),
        ),
        smallest=int(grid.sizes[0]),
        largest=int(grid.sizes[-1]),
        first=float(widths[0].mean()),
        last=float(widths[-1].mean()),
    )


class Best(NamedTuple):
    """log epochs to target at the best rate, one a seed: some `missed`, and so are too low.

    `too_high`: some were there at their first evaluation.
    """

    logs: Array
    variance: float
    missed: int
    too_high: bool
    options: int


def _best(data: StudyData, rows: list[int], seeds: NDArray[np.bool_]) -> Best:
    epochs = data.epochs_to()[rows][:, seeds]
    logs = np.log(np.minimum(epochs, data.budget[rows][:, None]))
    missed = np.isinf(epochs)
    at = left_out_best(-logs - MISSED * missed), np.arange(logs.shape[1])
    return Best(
        logs[at],
        float(data.grid_variance()[rows][at[0]].max()),
        int(missed[at].sum()),
        bool(data.first_seen()[rows][:, seeds][at].any()),
        len(rows),
    )


class Gain(NamedTuple):
    """The sizes compared, the gain at the large one over that at the small one, and misses."""

    small: int
    large: int
    decision: Decision
    missed: int


def _gain_growth(
    evidence: Evidence, treated: Choice, control: Choice, differing: str, margin: float
) -> Gain | None:
    """Does what `treated` saves in epochs, each at its best rate, grow from size 10 to 1000?"""
    for data in evidence.studies:
        for group in same_but(data.variants, (differing, "rate", "batch_size")):
            gain = _gain(data, np.array(group), (treated, control), margin)
            if gain is not None:
                return gain
    return None


def _gain(
    data: StudyData, group: NDArray[np.intp], choices: tuple[Choice, Choice], margin: float
) -> Gain | None:
    variants = data.variants.iloc[group]
    tried = [variants[choice(variants)] for choice in choices]
    common = sorted(set.intersection(*(_tuned_sizes(part) for part in tried)))
    if not common or common[0] > SMALL or common[-1] < LARGE:
        return None
    rows = [
        part.index[part["batch_size"] == size].tolist()
        for size in (common[-1], common[0])
        for part in tried
    ]
    used = data.epochs_to()[[row for part in rows for row in part]]
    seeds = ~np.any(np.isnan(used), axis=0)
    if not seeds.any():
        return None
    with_large, without_large, with_small, without_small = (_best(data, r, seeds) for r in rows)
    # (Saved at the large size) - (saved at the small one): signs of the four epochs.
    plus, minus = (without_large, with_small), (with_large, without_small)
    logs = without_large.logs + with_small.logs - with_large.logs - without_small.logs
    decision = bounded(
        decide(
            logs,
            np.log(margin),
            chosen=max(part.options for part in (*plus, *minus)) > 1,
            least_variance=sum(part.variance for part in (*plus, *minus)),
            show=as_ratio,
        ),
        too_low=any(part.missed for part in plus) or any(part.too_high for part in minus),
        too_high=any(part.too_high for part in plus) or any(part.missed for part in minus),
    )
    missed = sum(part.missed for part in (*plus, *minus))
    return Gain(int(common[0]), int(common[-1]), decision, missed)


def _said(gain: Gain | None) -> Finding | None:
    if gain is None:
        return None
    return finding(gain.decision, small=gain.small, large=gain.large, missed=gain.missed)


def _tuned_sizes(variants: pd.DataFrame) -> set[int]:
    """The sizes at which enough rates were tried, or one was tuned."""
    by_size = variants.groupby("batch_size")
    enough = (by_size["learning_rate"].nunique() >= FEWEST_RATES) | by_size["tuned"].any()
    return set(enough.index[enough].astype(int))


@claim("optimizer-gap-grows")
def optimizer_gap_grows(evidence: Evidence) -> Finding | None:
    """Is Adam's gain over SGD, at the best rates, over 1.25 times as large at 1000 as at 10?"""
    gain = _gain_growth(
        evidence,
        lambda v: v["optimizer"] == "adam",
        lambda v: (v["optimizer"] == "sgd") & (v["momentum"] == 0),
        "optimizer",
        1.25,
    )
    return _said(gain)


@claim("momentum-large-batch")
def momentum_large_batch(evidence: Evidence) -> Finding | None:
    """Is momentum's gain, at the best rates, over 1.25 times as large at 1000 as at 10?"""
    gain = _gain_growth(
        evidence,
        lambda v: (v["momentum"] == COMMON_MOMENTUM) & ~v["nesterov"].astype(bool),
        lambda v: v["momentum"] == 0,
        "momentum",
        1.25,
    )
    return _said(gain)


@claim("batch-for-decay")
def batch_for_decay(evidence: Evidence) -> Finding | None:
    """Does a batch that grows where the rate would fall end within 0.3 points of test error?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: v["batch_factor"] > 1,
        control=lambda v: (v["batch_factor"] == 1) & (v["rate_factor"] < 1),
        differing=("batch_factor", "rate_factor"),
    )
    same = [pair for pair in tested if _same_noise(pair) and _updates(pair) < FEWER]
    changes = matrix([pair.change("final_test_accuracy") for pair in same])
    if not changes.size:
        return None
    counted = mean_counting_variance("final_test_accuracy", same)
    return finding(
        all_of(equal(changes.mean(axis=0), RESOLVABLE, least_variance=counted)),
        updates=max(_updates(pair) for pair in same),
        count=len(changes),
    )


def _same_noise(pair: Pair) -> bool:
    """Does the rate over the batch size fall alike on both sides?"""
    falling = pair.data.variants["rate_factor"].iloc[pair.control]
    grown = pair.describe("rate_factor") / pair.describe("batch_factor")
    return bool(np.isclose(grown, falling, rtol=0.01))


def _updates(pair: Pair) -> float:
    """Updates of the treated side over the control's: each stage's are fewer by the growth."""
    epochs, every = float(pair.data.budget[pair.treated]), float(pair.describe("change_every"))
    # The epochs at which a stage begins.
    begun = np.arange(0, epochs, every)
    growth = float(pair.describe("batch_factor")) ** np.arange(len(begun))
    return float((np.minimum(every, epochs - begun) / growth).sum() / epochs)
