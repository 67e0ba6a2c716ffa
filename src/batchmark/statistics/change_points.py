"""When a graph got faster or slower for good, in a history of runs of one machine.

A permutation test of the largest step of cumulated sums (Page 1954; Antoch & Hušková 2001): were
nothing but luck at work, every order of the runs would be as likely. It takes runs for independent,
so that a slow drift passes for a step.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.changes import KEY, Run, seconds_by_graph
from batchmark.statistics.intervals import LEVEL, Array, holm

# In fewer a step hides behind the luck of single runs.
FEWEST_RUNS = 11
# On either side of a step.
FEWEST_BESIDE = 3
DRAWS = 9_999


def change_points(runs: Sequence[Run]) -> pd.DataFrame:
    """One row per graph and step, of the graphs that all runs have timed; `runs` in order of time.

    `run`: the first one after the step, counted from 0. `ratio`: seconds per step after over before
    it. `p`: of the permutation test, by Holm over all graphs; a step has one below 5 % and is
    larger than the median `noise_floor` of the A/A controls. Segments of `FEWEST_RUNS` on either
    side are tested again. `change`: faster or slower.
    """
    logs, floor = _history(runs)
    found = list(_steps(logs, floor, 0)) if len(runs) >= FEWEST_RUNS else []
    return pd.DataFrame(found, columns=[*KEY, "run", "ratio", "p", "noise_floor", "change"])


def _history(runs: Sequence[Run]) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Log seconds per step [graph, run] and the median noise floor by graph."""
    tables = [seconds_by_graph(run) for run in runs]
    logs = [
        table.drop(columns=["noise_floor", "processes"]).map(np.log).median(axis=1)
        for table in tables
    ]
    floors = pd.concat([table["noise_floor"] for table in tables], axis=1, join="inner")
    joined = pd.concat(logs, axis=1, join="inner")
    return joined.set_axis(range(len(runs)), axis=1), floors.median(axis=1)


def _steps(
    logs: pd.DataFrame, floor: "pd.Series[float]", first: int
) -> Iterator[tuple[object, ...]]:
    """The largest step of each graph in a segment that begins with run `first`, and within."""
    if logs.shape[1] < FEWEST_RUNS or logs.empty:
        return
    values = logs.to_numpy(float)
    places, p = largest_steps(values)
    for row, (place, sure) in enumerate(zip(places, holm(p), strict=True)):
        graph = logs.iloc[[row]]
        before, after = graph.iloc[:, :place], graph.iloc[:, place:]
        step = float(after.median(axis=1).iloc[0] - before.median(axis=1).iloc[0])
        least = floor.loc[graph.index[0]]
        if sure < 1 - LEVEL and abs(step) > np.log1p(least):
            change = "slower" if step > 0 else "faster"
            key = graph.index[0]
            yield (*key, first + int(place), float(np.exp(step)), float(sure), float(least), change)
            yield from _steps(before, floor, first)
            yield from _steps(after, floor, first + int(place))


def largest_steps(values: Array, draws: int = DRAWS) -> tuple[NDArray[np.intp], Array]:
    """Where the mean of each row changes most, and p of the permutation test [row].

    A place is the number of values before the step.
    """
    orders = np.random.default_rng(0).permuted(
        np.tile(np.arange(values.shape[1]), (draws, 1)), axis=1
    )
    steps = _cusum(values)
    place = steps.argmax(axis=1)
    largest = steps.max(axis=1)
    # One row after the other: all draws of all graphs at once are gigabytes.
    above = [
        int((_cusum(row[orders]).max(axis=1) >= size * (1 - 1e-9)).sum())
        for row, size in zip(values, largest, strict=True)
    ]
    return place + FEWEST_BESIDE, (1 + np.array(above)) / (1 + draws)


def _cusum(values: Array) -> Array:
    """Standardized difference of the means on both sides of every allowed place [row, place]."""
    count = values.shape[1]
    sums = np.cumsum(values - values.mean(axis=1, keepdims=True), axis=1)
    before = np.arange(FEWEST_BESIDE, count - FEWEST_BESIDE + 1)
    return np.abs(sums[:, before - 1]) / np.sqrt(before * (count - before) / count)
