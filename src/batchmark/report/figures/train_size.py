"""Time to target over batch size for every size of the training set."""

import pandas as pd

from batchmark.report import curves, palette
from batchmark.report.comparison import (
    TIME,
    any_drawn,
    described,
    numbers,
    panel,
    target_notes,
)
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import whole
from batchmark.report.selection import lowest, study_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """One curve a training set size, light for large."""
    frame = study_summary(tables, "train_size")
    if frame.empty:
        return None
    lines = _lines(frame)
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "time to target (s)"),
        _title(lines),
        described(lines, "time to target (s)"),
        numbers(frame, {"train_size": "training images"} | TIME),
        target_notes(frame),
        curves.series(lines),
    )


def _lines(frame: pd.DataFrame) -> list[Curve]:
    sizes = sorted(frame["train_size"].astype(int).unique())
    colors = palette.ramp(len(sizes))
    return [
        Curve(
            f"train-{one}",
            colors[k],
            palette.MARKERS[k % 8],
            curves.points(frame[frame["train_size"] == one], "time_to_target"),
            whole(one),
        )
        for k, one in enumerate(sizes)
    ]


def _title(lines: list[Curve]) -> Message | None:
    reached = [line for line in lines if not line.drawn.empty]
    if len(reached) < 2:
        return None
    least, most = reached[0], reached[-1]
    return say(
        "The fastest batch size is {least} on {few} images and {most} on {many}",
        least=_best(least),
        few=least.label,
        most=_best(most),
        many=most.label,
    )


def _best(line: Curve) -> str:
    return whole(lowest(line.drawn, "y")["x"])
