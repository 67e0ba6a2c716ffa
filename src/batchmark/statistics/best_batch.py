"""Which batch size reaches the target in the least time, and how sure that is.

A size is tied with the best by Gupta's subset selection (1965): the truly fastest is among the tied
in at least 95 % of experiments, however flat the optimum. What a size costs is its time over that
of the truly fastest, whichever of the tied it is: over the one that only looks fastest, or one
chosen on the other seeds, intervals cover too rarely (`benchmarks/analysis.py` measures it).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from batchmark.statistics.comparisons import Mask, time_to
from batchmark.statistics.intervals import LEVEL, Array, Interval
from batchmark.statistics.log_times import LogTimes, log_times
from batchmark.statistics.study_data import StudyData, families

ONE_SIDE = (1 + LEVEL) / 2
# A difference of the size called detectable is found in so many experiments.
# By convention (Cohen 1988).
POWER = 0.8


@dataclass(frozen=True)
class BestBatch:
    """The best of a family. Arrays have one entry per member, by rising batch size.

    `seconds`: median time to target (infinite: not reached). `cost`: that time over the truly
    fastest's, with bounds; infinite ones where trials missed the target, so that it is at least
    that. `tied`: not distinguishable from the best. `fastest`: the probability of being it; NaN:
    not known. `detectable`: the ratio of times that these data tell from 1 in 80 % of experiments.
    """

    sizes: NDArray[np.int64]
    best: int
    seconds: Array
    cost: Interval
    tied: Mask
    fastest: Array
    detectable: float

    @property
    def low(self) -> int:
        """The smallest size not told apart from the best."""
        return int(self.sizes[self.tied].min())

    @property
    def high(self) -> int:
        """The largest such size."""
        return int(self.sizes[self.tied].max())


def best_batch(
    data: StudyData, members: NDArray[np.intp], target: float | None = None
) -> BestBatch | None:
    """The fastest member of a family; None when none is both timed and reached the target."""
    seconds = time_to(data, target, members)[1].estimate
    seconds = np.where(np.isnan(seconds), np.inf, seconds)
    candidates = np.isfinite(seconds)
    if not candidates.any():
        return None
    times = log_times(data, members, data.target if target is None else target)
    sound = candidates & ~times.missed
    reach = _reach(times, sound, LEVEL)
    tied = candidates & ~_beaten(times, sound, reach, data.noise_floor)
    fastest = _fastest(times, candidates)
    return BestBatch(
        sizes=data.variants["batch_size"].to_numpy(np.int64)[members],
        best=int(np.where(candidates, times.estimate, np.inf).argmin()),
        seconds=seconds,
        cost=_cost(times, tied, fastest),
        tied=tied,
        fastest=fastest,
        detectable=_detectable(times, candidates, reach),
    )


def _beaten(times: LogTimes, sound: Mask, reach: Array, noise_floor: float) -> Mask:
    """Whether some `sound` member is surely faster, and by more than the clock's noise."""
    slower = times.estimate[:, None] - times.estimate
    least = reach[:, None] * times.error
    with np.errstate(invalid="ignore"):
        surely = (slower > least) & (slower > np.log1p(noise_floor))
    # A time that is an upper bound only may be the least of all.
    return (surely & sound).any(axis=1) & ~times.first


def _reach(times: LogTimes, rivals: Mask, level: float) -> Array:
    """How many standard errors a member looks slower than any rival by chance (Dunnett 1955)."""
    # Zero: against itself a member is not slower, and 0 / 0 is no draw.
    most = np.zeros(times.draws.shape)
    for rival in np.flatnonzero(rivals):
        with np.errstate(invalid="ignore", divide="ignore"):
            away = (times.draws - times.draws[:, [rival]]) / times.error[:, rival]
        most = np.fmax(most, away)
    return np.quantile(most, level, axis=0)


def _fastest(times: LogTimes, candidates: Mask) -> Array:
    """Probability of being the fastest, over draws of all times; 0 where it was not reached."""
    drawn = np.where(candidates, times.estimate + times.draws, np.inf)
    if np.isnan(drawn).any():
        return np.full(len(candidates), np.nan)
    return np.bincount(drawn.argmin(axis=1), minlength=len(candidates)) / len(drawn)


def _cost(times: LogTimes, tied: Mask, fastest: Array) -> Interval:
    """Time over the truly fastest's: the largest of the ratios to those that may be it."""
    slower, own = times.estimate[:, None] - times.estimate, np.eye(len(tied), dtype=bool)
    sound = tied & ~times.missed
    reach = _reach(times, sound, ONE_SIDE)[:, None]
    half = np.where(own, 0.0, stdtrit(times.freedom, ONE_SIDE) * times.error)
    low = np.where(sound | own, slower - np.where(own, 0.0, reach * times.error), -np.inf)
    # What may be the fastest may cost nothing.
    low = np.where(tied | times.first, 0.0, low.max(axis=1))
    high = np.where(tied | own, slower + half, -np.inf).max(axis=1)
    high = np.where(times.missed | times.first[tied].any(), np.inf, high)
    # The best by chance looks faster than it is: the reference is what is expected to be fastest.
    weights = np.where(np.isnan(fastest), tied / tied.sum(), fastest)
    expected = (np.where(weights > 0, slower, 0.0) * weights).sum(axis=1)
    return Interval(np.clip(expected, np.fmax(low, 0.0), high), low, high).exp()


def _detectable(times: LogTimes, candidates: Mask, reach: Array) -> float:
    """From the median error of a difference between two candidates."""
    pairs = candidates[:, None] & candidates & ~np.eye(len(candidates), dtype=bool)
    if not pairs.any():
        return np.nan
    # Found in half of the experiments if it is as large as the reach; in 80 % if larger by this.
    errors = reach[candidates].max() + ndtri(POWER)
    return float(np.exp(errors * np.median(times.error[pairs])))


def best_batches(data: StudyData) -> pd.DataFrame:
    """One row per family of at least two sizes and target: its best size and those tied with it.

    Families of a study over learning-rate rules show the optimum under each rule. `holds`: the
    best size for the main target is not told apart from the best for this one. A target that no
    size reached has no row.
    """
    rows = [
        {**data.place(), "target": target, "family": label, "rule": rate_rule(data, members)}
        | {"learning_rate": rate_at(data, members, best), **_columns(best, main)}
        for label, members in families(data, 2)
        for main, target, best in _by_target(data, members)
    ]
    return pd.DataFrame(rows)


def _by_target(
    data: StudyData, members: NDArray[np.intp]
) -> Iterator[tuple[BestBatch | None, float, BestBatch]]:
    """The best for the main target, and each target with its best."""
    found = [(target, best_batch(data, members, target)) for target in data.targets]
    main = found[0][1]
    for target, best in found:
        if best is not None:
            yield main, target, best


def _columns(best: BestBatch, main: BestBatch | None) -> dict[str, Any]:
    return {
        "best_batch_size": best.sizes[best.best],
        "best_batch_size_low": best.low,
        "best_batch_size_high": best.high,
        "tied_batch_sizes": joined(best.sizes[best.tied]),
        "batch_sizes": joined(best.sizes),
        "p_fastest": joined(best.fastest),
        "detectable_ratio": best.detectable,
        "sizes": len(best.sizes),
        "on_border": best.best in (0, len(best.sizes) - 1),
        "seconds": best.seconds[best.best],
        "holds": None if main is None else bool(best.tied[main.best]),
    }


def joined(values: NDArray[Any]) -> str:
    """Values as a cell of a table holds several."""
    return ";".join(f"{value:.6g}" for value in values)


RATE_AXES = ("learning_rate", "learning_rate_rule", "reference_batch_size")
# Powers of the batch size that a rule's rates are in proportion to.
_EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}


def rate_rule(data: StudyData, members: NDArray[np.intp]) -> str:
    """How the learning rates of a family follow the batch size: a rule for rates, `tuned`, `own`.

    Read off the rates themselves, whether the study has an axis for the rule or not.
    """
    rows = data.variants.iloc[members]
    if rows["tuned"].astype(bool).all():
        return "tuned"
    rates, sizes = (rows[name].to_numpy(float) for name in ("learning_rate", "batch_size"))
    for rule, power in _EXPONENTS.items():
        scaled = rates / sizes**power
        if np.allclose(scaled, scaled[0], rtol=1e-4, atol=0):
            return rule
    return "own"


def rate_at(data: StudyData, members: NDArray[np.intp], best: BestBatch | None) -> float:
    """The learning rate at the best size, or the smallest where there is none."""
    return float(data.variants["learning_rate"].iloc[members[best.best if best else 0]])
