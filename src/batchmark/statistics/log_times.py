"""Log times to target of the sizes of a family, estimated together, and how sure they are.

Seeds are blocks of a randomized design: what luck gave to a seed at every size cancels. Two or
three seeds say next to nothing about one size's variance, all sizes together do; so the variance is
common to them, and stays right where each run ended when its own numbers looked precise enough.
"""

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from batchmark.statistics.comparisons import Mask
from batchmark.statistics.intervals import Array, Mean, degrees_of_freedom
from batchmark.statistics.study_data import StudyData

# Enough for quantiles of 97.5 %: one in forty is 25 draws.
DRAWS = 1000


@dataclass(frozen=True)
class LogTimes:
    """Log time to target per member, draws of its error [draw, member], and what bounds it.

    `error`: standard errors of differences [member, member], `freedom` theirs; NaN: too few seeds
    or rounds to tell. `missed`: some trial missed, so that the truth is larger; `first`: half of
    the trials were there at their first evaluation, so that it is smaller.
    """

    estimate: Array
    draws: Array
    error: Array
    freedom: Array
    missed: Mask
    first: Mask

    def difference(self, member: int, other: int) -> Mean:
        """Log time of `member` less that of `other`."""
        estimate = self.estimate[member] - self.estimate[other]
        squared = self.error[member, other] ** 2
        return Mean(estimate, squared, self.freedom[member, other])


class Means(NamedTuple):
    """Estimates per member with their covariance, which has so many degrees of freedom."""

    estimate: Array
    covariance: Array
    freedom: float


def log_times(data: StudyData, members: NDArray[np.intp], target: float) -> LogTimes:
    """Log epochs to the target plus log relative seconds; a miss counts as its budget."""
    epochs = data.epochs_to(target)[members]
    missed = np.any(np.isinf(epochs), axis=1)
    logs = np.log(np.minimum(epochs, data.budget[members][:, None]))
    parts = [
        blocks(logs, ~missed, data.grid_variance(target)[members]),
        _over_rounds(np.log(data.ratios[members])),
        *_of_processes(data, members),
    ]
    squared = [_of_differences(part.covariance) for part in parts]
    random = np.random.default_rng(0)
    return LogTimes(
        estimate=np.sum([part.estimate for part in parts], axis=0),
        draws=np.sum([_draws(part, random) for part in parts], axis=0),
        error=np.sqrt(np.sum(squared, axis=0)),
        freedom=degrees_of_freedom(squared, [part.freedom for part in parts]),
        missed=missed,
        first=2 * data.first_seen(target)[members].sum(axis=1) >= (~np.isnan(logs)).sum(axis=1),
    )


def blocks(values: Array, sound: Mask, least_variance: Array) -> Means:
    """Least squares of member plus block effects of `values` [member, block]; NaN is no value.

    Blocks may have values of some members only. Members that are not `sound` take part neither in
    the block effects nor in the variance, unless fewer than two are. `least_variance`: known from
    reading values off a grid, per member, as for `mean_of`.
    """
    # A miss stands for its budget, which varies too little.
    used = ~np.isnan(values) & (sound[:, None] if sound.sum() > 1 else True)
    design = _design(used)
    # A constant may go from members to blocks: of all solutions the shortest, the same differences.
    inverse = cast(Array, np.linalg.pinv(design.T @ design))
    effects = inverse @ design.T @ values[used]
    freedom = len(design) - int(np.linalg.matrix_rank(design))
    variance = ((values[used] - design @ effects) ** 2).sum() / freedom if freedom else np.nan
    count, seen = len(values), used.any(axis=0)
    luck = np.where(seen, effects[count:] - effects[count:][seen].mean(), 0.0)
    trials = (~np.isnan(values)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nansum(values - luck, axis=1) / trials
        alone = np.where(used.any(axis=1), 0.0, variance / trials)
        hidden = np.maximum(least_variance - variance / 2, 0.0)
    # Trials that agree to less than their evaluation step share its rounding.
    own = np.diag(alone + hidden)
    return Means(means, variance * inverse[:count, :count] + own, freedom)


def _design(used: Mask) -> Array:
    """One row a value: which member and which block it belongs to."""
    rows, columns = np.nonzero(used)
    count, width = used.shape
    design = np.zeros((len(rows), count + width))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), count + columns] = 1
    return design


def _over_rounds(logs: Array) -> Means:
    """Mean per member of the rounds that timed every timed member, with their covariance."""
    timed = ~np.isnan(logs).all(axis=1) if logs.size else np.zeros(len(logs), bool)
    whole = logs[:, ~np.isnan(logs[timed]).any(axis=0)]
    count = whole.shape[1]
    if count < 2:
        unknown = np.full((len(logs), len(logs)), np.nan)
        return Means(whole.mean(axis=1) if count else unknown[0], unknown, 0)
    centered = whole - whole.mean(axis=1, keepdims=True)
    return Means(whole.mean(axis=1), centered @ centered.T / (count - 1) / count, count - 1)


def _of_processes(data: StudyData, members: NDArray[np.intp]) -> list[Means]:
    """Of a difference half is either member's; nothing, where processes do not differ."""
    apart = np.array([data.of_processes(member).squared_error[members] for member in members])
    # What is timed as one moves together: the differences within are 0.
    covariance = (data.processes.squared_error - apart) / 2
    unmoved = np.zeros(len(members))
    return [Means(unmoved, covariance, data.processes.freedom)] if apart.any() else []


def _of_differences(covariance: Array) -> Array:
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own - 2 * covariance, 0.0)


def _draws(means: Means, random: np.random.Generator) -> Array:
    """Student's errors [draw, member]: normal ones of a variance that is itself drawn."""
    if not means.freedom:
        return np.full((DRAWS, len(means.estimate)), np.nan)
    # What was not timed has no covariance, and no part in any decision.
    known = np.nan_to_num(means.covariance)
    values, vectors = np.linalg.eigh(known)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    scale = np.sqrt(means.freedom / random.chisquare(means.freedom, (DRAWS, 1)))
    return random.standard_normal((DRAWS, len(root))) @ root.T * scale
