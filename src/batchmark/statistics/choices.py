"""What to choose under every condition that was measured: targets, threads, loops, families."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.tables import ANALYZED
from batchmark.statistics.best_batch import best_batch, joined, rate_at, rate_rule
from batchmark.statistics.comparisons import time_to
from batchmark.statistics.intervals import columns
from batchmark.statistics.loops import GRAPH
from batchmark.statistics.study_data import StudyData, families

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
