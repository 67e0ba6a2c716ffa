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
    "gain": "as fast as the CPU (×)",
}


def draw(tables: Tables) -> Drawn | None:
    """Nothing where no GPU was measured."""
    frame = headline_everywhere(tables)
    if not measured(frame, "seconds_per_epoch"):
        return None
    frame = frame.dropna(subset=["seconds_per_epoch"])
    if frame["device"].nunique() < 2:
        return None
    frame = _gains(frame)
    lines = device_curves(frame, "seconds_per_epoch")
    return Drawn(
        panel(lines, "seconds per epoch", missing="", right=104),
        _title(frame),
        described(lines, "seconds per epoch"),
        numbers(frame, COLUMNS),
        [say("Solid: CPU. Dashed: GPU. Seconds belong to these machines on their day.")],
        curves.series(lines),
    )


def _gains(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with `gain`: a GPU's speed over the CPU it is compared with, by batch size."""
    pair = _pair(frame)
    if pair is None:
        return frame
    cpu = frame[(frame["machine"] == pair[0]) & (frame["device"] == "cpu")]
    base = cpu.drop_duplicates("batch_size").set_index("batch_size")["seconds_per_epoch"]
    gain = frame["batch_size"].map(base) / frame["seconds_per_epoch"]
    gpu = (frame["machine"] == pair[1]) & (frame["device"] == "gpu")
    return frame.assign(gain=gain.where(gpu))


def _pair(frame: pd.DataFrame) -> tuple[str, str] | None:
    """The machines of the CPU and of the GPU to compare: one machine where it has both."""
    places = frame.groupby("device", sort=False)["machine"].unique()
    if not {"cpu", "gpu"} <= set(places.index):
        return None
    both = [one for one in places["cpu"] if one in places["gpu"]]
    return (both[0], both[0]) if both else (places["cpu"][0], places["gpu"][0])


def _title(frame: pd.DataFrame) -> Message | None:
    pair = _pair(frame)
    if pair is None or not measured(frame, "gain"):
        return None
    gain = frame.dropna(subset=["gain"]).set_index("batch_size")["gain"]
    faster = gain.index[np.asarray(gain > 1)]
    start = (
        say("from batch size {size} on", size=whole(faster[0]))
        if len(faster)
        else say("at no batch size")
    )
    return say(
        "The GPU is faster {start}; at {most} it is {times} as fast"
        if pair[0] == pair[1]
        else "The GPU of {gpu} is faster than the CPU of {cpu} {start}; at {most} it is {times} as "
        "fast",
        cpu=pair[0],
        gpu=pair[1],
        start=start,
        most=whole(float(str(gain.idxmax()))),
        times=times(gain.max()),
    )
