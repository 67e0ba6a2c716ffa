"""Which batch size reaches the target in the least time, how sure that is, and the answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.tables import COMMON_SIZES
from batchmark.statistics.comparisons import grid_variance, log_epoch_ratio, time_to
from batchmark.statistics.intervals import (
    DRAWS,
    LEVEL,
    Array,
    Mean,
    Test,
    holm,
    mean_of,
    percentiles,
    total,
)
from batchmark.statistics.study_data import StudyData, families


@dataclass(frozen=True)
class BestBatch:
    """The best of a family. Arrays have one entry per member, by rising batch size.

    `seconds`: median time to target (infinite: not reached). `cost`: that time over the best's,
    with bounds. `tied`: not distinguishable from the best. `low`, `high`: the tied sizes and the
    2.5 % and 97.5 % quantiles of the best size under resampling of trials and rounds.
    """

    sizes: NDArray[np.int64]
    best: int
    seconds: Array
    cost: Test
    tied: NDArray[np.bool_]
    low: int
    high: int


def best_batch(data: StudyData, members: NDArray[np.intp]) -> BestBatch | None:
    """The fastest member of a family; None when none is both timed and reached the target."""
    return _best(data, members, data.target, _resampled_medians(data.ratios[members], seed=1))


def _best(
    data: StudyData, members: NDArray[np.intp], target: float, resampled_ratios: Array
) -> BestBatch | None:
    epochs = data.epochs_to(target)[members]
    ratios, budget = data.ratios[members], data.budget[members]
    seconds = time_to(data, target, members)[1].estimate
    seconds = np.where(np.isnan(seconds), np.inf, seconds)
    if not np.isfinite(seconds).any():
        return None
    best = int(seconds.argmin())
    cost = _cost(epochs, ratios, budget, data.resolution[members], best)
    p = holm(np.where(np.arange(len(members)) == best, np.nan, cost.p))
    beyond_noise = np.abs(cost.estimate - 1) > data.noise_floor
    tied = np.isfinite(seconds) & ~((p < 1 - LEVEL) & beyond_noise)
    sizes = data.variants["batch_size"].to_numpy(np.int64)[members]
    low, high = _spread(sizes, _resampled_medians(epochs, seed=0) * resampled_ratios)
    return BestBatch(
        sizes=sizes,
        best=best,
        seconds=seconds,
        cost=cost,
        tied=tied,
        low=int(min(low, sizes[tied].min())),
        high=int(max(high, sizes[tied].max())),
    )


def best_batches(data: StudyData) -> pd.DataFrame:
    """One row per family of at least two sizes and target: its best size and those tied with it.

    Families of a study over learning-rate rules show the optimum under each rule. `holds`: the
    best size for the main target is not told apart from the best for this one. A target that no
    size reached has no row.
    """
    rows = [
        {**data.place(), "target": target, "family": label, **_columns(best, main)}
        for label, members in families(data, 2)
        for main, target, best in _by_target(data, members)
    ]
    return pd.DataFrame(rows)


def _by_target(
    data: StudyData, members: NDArray[np.intp]
) -> Iterator[tuple[BestBatch | None, float, BestBatch]]:
    """The best for the main target, and each target with its best."""
    resampled = _resampled_medians(data.ratios[members], seed=1)
    found = [(target, _best(data, members, target, resampled)) for target in data.targets]
    main = found[0][1]
    for target, best in found:
        if best is not None:
            yield main, target, best


def _columns(best: BestBatch, main: BestBatch | None) -> dict[str, Any]:
    return {
        "best_batch_size": best.sizes[best.best],
        "best_batch_size_low": best.low,
        "best_batch_size_high": best.high,
        "tied_batch_sizes": ";".join(str(size) for size in best.sizes[best.tied]),
        "sizes": len(best.sizes),
        "on_border": best.best in (0, len(best.sizes) - 1),
        "seconds": best.seconds[best.best],
        "holds": None if main is None else bool(best.tied[main.best]),
    }


def _cost(epochs: Array, ratios: Array, budget: Array, resolution: Array, best: int) -> Test:
    """Time to target over the best's, paired by seed and by round."""
    convergence = mean_of(log_epoch_ratio(epochs, epochs[best], budget))
    grid = grid_variance(epochs, resolution)
    speed = mean_of(np.log(ratios) - np.log(ratios[best]))
    return total(_pooled(convergence, epochs, grid + grid[best]), speed).exp()


def _pooled(differences: Mean, epochs: Array, least_variance: Array) -> Mean:
    """The same differences with the error of a randomized block design, seeds being the blocks.

    Two or three seeds say next to nothing about one size's variance; all sizes together do. Only
    sizes that every seed reached tell of it.
    """
    logs = np.log(epochs[np.isfinite(epochs).all(axis=1)])
    sizes, seeds = logs.shape
    if sizes < 2 or seeds < 2:
        return differences
    residuals = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0) + logs.mean()
    freedom = (sizes - 1) * (seeds - 1)
    variance = np.maximum(2 * (residuals**2).sum() / freedom, least_variance)
    return Mean(differences.estimate, variance / seeds, np.full(len(epochs), float(freedom)))


def _spread(sizes: NDArray[np.int64], times: Array) -> tuple[int, int]:
    """Quantiles of the fastest size over draws of the times [member, draw]."""
    drawn = sizes[np.where(np.isnan(times), np.inf, times).argmin(axis=0)]
    low, high = percentiles(drawn)
    return int(low), int(high)


def _resampled_medians(values: Array, seed: int) -> Array:
    """Medians [member, draw] when replicates are drawn anew, jointly for all members."""
    count = values.shape[1]
    if not count:
        return np.full((len(values), DRAWS), np.nan)
    chosen = np.random.default_rng(seed).integers(count, size=(DRAWS, count))
    center = np.nanmedian if np.isnan(values).any() else np.median
    return np.array([center(row[chosen], axis=1) for row in values])


def answer(studies: list[StudyData], request: AnalyzeRequest) -> dict[str, Any]:
    """The answer on this machine's fastest device; `others` holds those of all other places.

    `decided` is true when a single batch size is left. Empty numbers are null.
    """
    study = main_study(request)
    found = [_answer(data) for data in studies if study and data.study.name == study.name]
    own = [one for one in found if one["machine"] == request.machine]
    own.sort(key=lambda one: one["seconds"] or np.inf)
    first = own[0] if own else {"machine": request.machine, "study": None, "decided": False}
    return {**first, "others": [one for one in found if one is not first]}


def main_study(request: AnalyzeRequest) -> StudyForAnalysis | None:
    """The study that redoes the published table, else the first over batch sizes."""
    over_sizes = [study for study in request.studies if "batch_size" in study.axes]
    return next((study for study in over_sizes if study.published), next(iter(over_sizes), None))


def _answer(data: StudyData) -> dict[str, Any]:
    facts = {
        **data.place(),
        "dataset": str(data.variants["dataset"].iloc[0]),
        "target": data.target,
        "trials": int(data.study.trials),
        "rounds": int(data.ratios.shape[1]),
        "noise_floor": number(data.noise_floor),
        "decided": False,
        "best_batch_size": None,
        "seconds": None,
    }
    candidates = [
        (found.seconds.min(), number, label, members, found)
        for number, (label, members) in enumerate(families(data, 2))
        if (found := best_batch(data, members)) is not None
    ]
    if not candidates:
        return facts
    _, _, label, members, found = min(candidates, key=lambda one: one[:2])
    row = int(members[found.best])
    return facts | {"family": label} | _best_facts(data, row, found)


def _best_facts(data: StudyData, row: int, found: BestBatch) -> dict[str, Any]:
    chosen = data.variants.iloc[row]
    seconds = time_to(data)[1]
    return {
        "variant": chosen["variant"],
        "optimizer": chosen["optimizer"],
        "model": chosen["model"],
        "best_batch_size": int(found.sizes[found.best]),
        "best_batch_size_low": found.low,
        "best_batch_size_high": found.high,
        "tied_batch_sizes": found.sizes[found.tied].tolist(),
        "decided": bool(found.low == found.high),
        "seconds": number(seconds.estimate[row]),
        "seconds_low": number(seconds.low[row]),
        "seconds_high": number(seconds.high[row]),
        "cost_of": costs(found),
    }


def costs(found: BestBatch) -> dict[str, dict[str, Any]]:
    """What common sizes cost over the best, by size; without those that nothing measured tells."""
    known = {str(size): _cost_facts(size, found) for size in COMMON_SIZES}
    return {size: cost for size, cost in known.items() if cost is not None}


def _cost_facts(size: int, found: BestBatch) -> dict[str, Any] | None:
    """What the measured size nearest to `size` costs; ratio null: it misses the target.

    None where the nearest is the best, but another size than the one asked for: that would call
    an unmeasured size free of cost.
    """
    nearest = int(np.abs(np.log(found.sizes / size)).argmin())
    if nearest == found.best and found.sizes[nearest] != size:
        return None
    reached = np.isfinite(found.seconds[nearest])
    known = nearest != found.best
    return {
        "batch_size": int(found.sizes[nearest]),
        "reached": bool(reached),
        "ratio": number(found.cost.estimate[nearest]) if reached else None,
        "low": number(found.cost.low[nearest]) if known else 1.0,
        "high": number(found.cost.high[nearest] if known else 1.0) if reached else None,
    }


def number(value: float) -> float | None:
    """A JSON number; null for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
