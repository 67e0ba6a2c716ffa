"""Seconds per epoch over batch size on the CPU and the GPU of one machine or several."""

import numpy as np
import pandas as pd

from batchmark.report import curves
from batchmark.report.comparison import described, numbers, panel
from batchmark.report.devices import device_curves
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import times, whole
from batchmark.report.selection import headline_everywhere, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "machine": "machine",
    "device": "device",
    "batch_size": "batch size",
    "seconds_per_epoch": "seconds per epoch",
    "seconds_per_epoch_low": "low",
    "seconds_per_epoch_high": "high",
}


def draw(tables: Tables) -> Drawn | None:
    """Nothing where no GPU was measured."""
    frame = headline_everywhere(tables)
    if not measured(frame, "seconds_per_epoch"):
        return None
    frame = frame.dropna(subset=["seconds_per_epoch"])
    if frame["device"].nunique() < 2:
        return None
    lines = device_curves(frame, "seconds_per_epoch")
    return Drawn(
        panel(lines, "seconds per epoch", missing="", right=104),
        _title(frame),
        described(lines, "seconds per epoch"),
        numbers(frame, COLUMNS),
        [say("Solid: CPU. Dashed: GPU. Seconds belong to these machines on their day.")],
        curves.series(lines),
    )


def _title(frame: pd.DataFrame) -> Message | None:
    fastest = frame.pivot_table(
        index="batch_size", columns="device", values="seconds_per_epoch", aggfunc="min"
    ).dropna()
    if fastest.empty:
        return None
    gain = fastest["cpu"] / fastest["gpu"]
    most = gain.idxmax()
    crossing = gain.index[np.asarray(gain > 1)]
    start = (
        say("from batch size {size} on", size=whole(crossing[0]))
        if len(crossing)
        else say("at no batch size")
    )
    return say(
        "The GPU is faster {start}; at {most} it gains {times}",
        start=start,
        most=whole(float(str(most))),
        times=times(gain.max()),
    )
