"""Relative time to target over batch size, for each machine and device."""

from batchmark.report import curves
from batchmark.report.comparison import described, numbers, panel
from batchmark.report.curves import Curve
from batchmark.report.devices import device_curves
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import whole
from batchmark.report.selection import HOME, headline_everywhere, lowest, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "machine": "machine",
    "device": "device",
    "batch_size": "batch size",
    "relative": "time to target, relative to its best",
    "time_to_target": "seconds",
}


def draw(tables: Tables) -> Drawn | None:
    """Nothing when there is only one machine and device."""
    frame = headline_everywhere(tables)
    if not measured(frame, "time_to_target"):
        return None
    best = frame.groupby(HOME)["time_to_target"].transform("min")
    frame = frame.assign(relative=frame["time_to_target"] / best).dropna(subset=["relative"])
    lines = device_curves(frame, "relative")
    if len(lines) < 2:
        return None
    return Drawn(
        panel(lines, "time to target, relative to each one's best", missing="", right=104),
        _title(lines),
        described(lines, "relative time to target"),
        numbers(frame, COLUMNS),
        [say("Base: the fastest batch size on the same machine and device.")],
        curves.series(lines),
    )


def _title(lines: list[Curve]) -> Message:
    best = [whole(lowest(line.drawn, "y")["x"]) for line in lines]
    if len(set(best)) == 1:
        return say("The fastest batch size is {size} on every machine", size=best[0])
    pairs = ", ".join(f"{size} ({line.label})" for size, line in zip(best, lines, strict=True))
    return say("The fastest batch size depends on the machine: {sizes}", sizes=pairs)
