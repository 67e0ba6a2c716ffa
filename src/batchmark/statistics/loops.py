"""What a loop costs a step and an example, and what it makes of the batch sizes."""

import numpy as np
import pandas as pd

from batchmark.statistics.best_batch import best_batches
from batchmark.statistics.comparisons import seconds_per_epoch, time_to
from batchmark.statistics.cost_model import relative_lines
from batchmark.statistics.intervals import Interval, columns, median
from batchmark.statistics.study_data import StudyData

GRAPH = "graph"
FEWEST_SIZES = 3


def loop_sizes(data: StudyData) -> pd.DataFrame:
    """One row per loop and variant of a study that timed several: seconds, to the target as well.

    `ratio_to_graph`: the seconds of the same round over those of the engine's graph.
    """
    parts = [_sizes(data, name) for name in ([GRAPH, *data.loops] if data.loops else [])]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def loops(data: StudyData) -> pd.DataFrame:
    """One row per loop of a study that timed several, see `loop_sizes`.

    t(B) = N (c + o / B): `o` seconds a step and `c` an example, fitted in every round, medians
    over rounds; NaN for fewer than three sizes. Best size and seconds: of the least time to target.
    """
    names = [GRAPH, *data.loops] if data.loops else []
    return pd.DataFrame([_loop(_under(data, name), name) for name in names])


def _under(data: StudyData, loop: str) -> StudyData:
    return data if loop == GRAPH else data.under(loop)


def _sizes(data: StudyData, loop: str) -> pd.DataFrame:
    own = _under(data, loop)
    seconds, (_, to_target) = seconds_per_epoch(own), time_to(own)
    table = pd.DataFrame(
        {
            **data.place(),
            "target": data.target,
            "loop": loop,
            "variant": data.ids,
            "batch_size": data.variants["batch_size"].to_numpy(),
            **_three("seconds_per_epoch", seconds),
            **_three("ratio_to_graph", median(own.ratios / data.ratios)),
            "trials": (~np.isnan(own.epochs_to())).sum(axis=1),
            "reached": np.isfinite(own.epochs_to()).sum(axis=1),
            **columns("time_to_target", to_target),
        }
    )
    examples = data.variants["examples_per_epoch"].to_numpy(float)
    return table.assign(examples_per_second=examples / seconds.estimate)


def _loop(own: StudyData, loop: str) -> dict[str, object]:
    overhead, example = _line(own)
    best = best_batches(own)
    row = best[best["target"] == own.target].iloc[:1].to_dict("records") if len(best) else []
    found = row[0] if row else {}
    kept = ("best_batch_size", "best_batch_size_low", "best_batch_size_high", "tied_batch_sizes")
    return {
        **own.place(),
        "target": own.target,
        "loop": loop,
        **_three("o", overhead),
        **_three("c", example),
        **{name: found.get(name) for name in kept},
        "seconds": found.get("seconds"),
    }


def _line(own: StudyData) -> tuple[Interval, Interval]:
    """Seconds a step and an example, from the sizes that were timed."""
    timed = ~np.isnan(own.ratios).all(axis=1)
    sizes = own.variants["batch_size"].to_numpy(float)[timed]
    examples = own.variants["examples_per_epoch"].to_numpy(float)[timed]
    seconds = (own.ratios[timed] * own.baseline_seconds / examples[:, None]).T
    whole = seconds[~np.isnan(seconds).any(axis=1)]
    if len(set(sizes)) < FEWEST_SIZES or not len(whole):
        unknown = Interval(np.nan, np.nan, np.nan)
        return unknown, unknown
    intercept, slope = relative_lines(1 / sizes, whole)
    least = np.finfo(float).tiny
    return median(np.maximum(slope, least)), median(np.maximum(intercept, least))


def _three(name: str, interval: Interval) -> dict[str, object]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
