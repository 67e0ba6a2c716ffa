"""Peak memory over batch size."""

import pandas as pd

from batchmark.report import curves
from batchmark.report.comparison import described, numbers, panel
from batchmark.report.curves import Curve
from batchmark.report.devices import device_curves
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import memory, whole
from batchmark.report.selection import (
    headline_everywhere,
    headline_study,
    home,
    measured,
)
from batchmark.report.tables import Tables

COLUMNS = {
    "machine": "machine",
    "device": "device",
    "batch_size": "batch size",
    "memory": "peak memory (MiB)",
}


def draw(tables: Tables) -> Drawn | None:
    """One curve a machine and device, over the state before training."""
    frame = headline_everywhere(tables)
    if not measured(frame, "peak_memory_bytes"):
        return None
    frame = _rows(frame)
    lines = device_curves(frame, "memory")
    return Drawn(
        panel(lines, "peak memory (MiB)", missing="", right=110),
        _title(lines[0]),
        described(lines, "peak memory (MiB)"),
        numbers(frame, COLUMNS),
        [
            say("High-water mark of training over the state before it; on a GPU the allocator's."),
            *_largest(tables),
        ],
        curves.series(lines),
    )


def _largest(tables: Tables) -> list[Message]:
    """The largest batch size that the timing stage predicts to fit the home machine's memory."""
    record = tables.document("environment").get("/".join(home(tables)), {})
    block = record.get("timings", {}).get(headline_study(tables), {})
    sizes = [size for size in block.get("largest_batch_size", {}).values() if size]
    if not sizes:
        return []
    return [say("Predicted to fit this machine's memory: up to {size}.", size=whole(min(sizes)))]


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.dropna(subset=["peak_memory_bytes"])
    return frame.assign(memory=frame["peak_memory_bytes"] / 2**20)


def _title(line: Curve) -> Message | None:
    if len(line.drawn) < 2:
        return None
    first, last = line.drawn.iloc[0], line.drawn.iloc[-1]
    return say(
        "Training takes {low} at batch size {first} and {high} at {last}",
        low=memory(first["y"] * 2**20),
        first=whole(first["x"]),
        high=memory(last["y"] * 2**20),
        last=whole(last["x"]),
    )
