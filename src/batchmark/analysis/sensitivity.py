"""Every "to target" result for a list of targets, since conclusions can flip between them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.block import Block
from batchmark.analysis.intervals import Interval, columns, median, product

ALL = slice(None)
Rows = NDArray[np.intp] | slice


def time_to(
    block: Block, target: float | None = None, rows: Rows = ALL
) -> tuple[Interval, Interval]:
    """Epochs and seconds to a target (the main one), one entry per variant in `rows`."""
    epochs = median(block.epochs_to(target)[rows], block.resolution[rows])
    return epochs, product(epochs, seconds_per_epoch(block, rows))


def seconds_per_epoch(block: Block, rows: Rows = ALL) -> Interval:
    """Seconds per epoch in the block's own timing, one entry per variant; NaN: not timed."""
    return Interval(*(part * block.anchor_seconds for part in median(block.ratios[rows])))


def sensitivity(block: Block) -> pd.DataFrame:
    """One row per target of the study and variant.

    `fastest`: least median time to the target in the study; `relative_time_to_target`: over that.
    """
    return pd.concat([_one(block, target) for target in block.targets], ignore_index=True)


def _one(block: Block, target: float) -> pd.DataFrame:
    reached = np.isfinite(block.epochs_to(target))
    epochs, seconds = time_to(block, target)
    table = pd.DataFrame(
        {
            **block.place(),
            "target": target,
            "variant": block.ids,
            "batch_size": block.variants["batch_size"],
            "reached": reached.sum(axis=1),
            "trials": (~np.isnan(block.epochs_to(target))).sum(axis=1),
            **columns("epochs_to_target", epochs),
            **columns("time_to_target", seconds),
        }
    )
    best = table["time_to_target"].min()
    return table.assign(
        relative_time_to_target=table["time_to_target"] / best,
        fastest=table["time_to_target"] == best,
    )
