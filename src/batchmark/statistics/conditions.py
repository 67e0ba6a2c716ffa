"""What every condition makes of the batch sizes: targets, threads, loops, families of settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.tables import ANALYZED
from batchmark.statistics.best_batch import best_batch, best_batches, joined, rate_at, rate_rule
from batchmark.statistics.comparisons import seconds_per_epoch, time_to
from batchmark.statistics.cost_model import relative_lines
from batchmark.statistics.epoch_time import over_rounds
from batchmark.statistics.intervals import Interval, columns, median
from batchmark.statistics.study_data import StudyData, families

GRAPH = "graph"
# Two parameters, and a size more that may contradict them.
FEWEST_SIZES = 3
# By what a reader chooses a family.
_FAMILY = ("optimizer", "momentum", "nesterov", "normalization", "train_size")


def choices(data: StudyData) -> pd.DataFrame:
    """One row per family of at least two timed sizes, target, number of threads and loop.

    Best size and seconds as in `best_batches` and `loops`, whose conditions are among these. A
    target that no size reached has a row without them.
    """
    rows = [
        {**data.place(), "target": target, "family": label, "threads": own.threads, "loop": loop}
        | _choice(own, timed, target)
        for loop, own in _conditions(data)
        for label, members in families(own, 2)
        if len(timed := members[~np.isnan(own.ratios[members]).all(axis=1)]) > 1
        for target in own.targets
    ]
    # Where no size of any family reached a target, every row lacks the columns of the best.
    return pd.DataFrame(rows, columns=list(ANALYZED["choices"])) if rows else pd.DataFrame()


def _conditions(data: StudyData) -> Iterator[tuple[str, StudyData]]:
    """The study under each loop at all threads, and under the graph at fewer."""
    yield GRAPH, data
    for threads in data.fewer:
        yield GRAPH, data.at(threads)
    for loop in data.loops:
        yield loop, data.under(loop)


def _choice(data: StudyData, members: NDArray[np.intp], target: float) -> dict[str, Any]:
    variants = data.variants.iloc[members]
    best = best_batch(data, members, target)
    known = {
        **{axis: variants[axis].iloc[0] for axis in _FAMILY},
        "rule": rate_rule(data, members),
        "learning_rate": rate_at(data, members, best),
        "batch_sizes": joined(variants["batch_size"].to_numpy()),
    }
    if best is None:
        return known
    seconds = columns("seconds", time_to(data, target, members)[1])
    return known | {
        "variant": variants["variant"].iloc[best.best],
        "best_batch_size": best.sizes[best.best],
        "best_batch_size_low": best.low,
        "best_batch_size_high": best.high,
        "tied_batch_sizes": joined(best.sizes[best.tied]),
        **{name: values[best.best] for name, values in seconds.items()},
    }


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
    logs = np.log(own.ratios / data.ratios)
    table = pd.DataFrame(
        {
            **data.place(),
            "target": data.target,
            "loop": loop,
            "variant": data.ids,
            "batch_size": data.variants["batch_size"].to_numpy(),
            **_three("seconds_per_epoch", seconds),
            **_three("ratio_to_graph", over_rounds(logs, logs).exp()),
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
    fastest = row[0] if row else {}
    kept = ("best_batch_size", "best_batch_size_low", "best_batch_size_high", "tied_batch_sizes")
    return {
        **own.place(),
        "target": own.target,
        "loop": loop,
        **_three("o", overhead),
        **_three("c", example),
        **{name: fastest.get(name) for name in kept},
        "seconds": fastest.get("seconds"),
    }


def _line(own: StudyData) -> tuple[Interval, Interval]:
    """Seconds a step and an example, from the sizes that were timed."""
    timed = ~np.isnan(own.ratios).all(axis=1)
    sizes = own.variants["batch_size"].to_numpy(float)[timed]
    examples = own.variants["examples_per_epoch"].to_numpy(float)[timed]
    seconds = (own.ratios[timed] * own.baseline_seconds / examples[:, None]).T
    # Rounds that timed every size.
    whole = seconds[~np.isnan(seconds).any(axis=1)]
    if len(set(sizes)) < FEWEST_SIZES or not len(whole):
        unknown = Interval(np.nan, np.nan, np.nan)
        return unknown, unknown
    intercept, slope = relative_lines(1 / sizes, whole)
    # A cost below zero is none, and is divided by.
    least = np.finfo(float).tiny
    return median(np.maximum(slope, least)), median(np.maximum(intercept, least))


def _three(name: str, interval: Interval) -> dict[str, object]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
