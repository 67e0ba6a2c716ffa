"""How close a mini-batch's gradient points to the full one, over batch size."""

import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.comparison import numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.probes import MOMENTS, probe_rows
from batchmark.report.tables import Tables

COLUMNS = {
    "moment": "moment",
    "batch_size": "batch size",
    "cosine": "cosine",
    "cosine_low": "low",
    "cosine_high": "high",
}
ALIGNED = 0.95


def draw(tables: Tables) -> Drawn | None:
    """One curve a moment of training; bands hold 80 % of the draws."""
    frame = probe_rows(tables, "probes")
    if frame.empty:
        return None
    lines = [
        Curve(
            moment,
            palette.HUES[k],
            palette.MARKERS[k],
            curves.points(frame[frame["moment"] == moment], "cosine"),
            label,
        )
        for k, (moment, label) in enumerate(MOMENTS.items())
        if (frame["moment"] == moment).any()
    ]
    figure, (axes,) = style.panels(right=104)
    style.batch_axis(axes, frame["batch_size"])
    axes.set_ylim(min(0.0, float(frame["cosine_low"].min())), 1.02)
    style.value_axis(axes, "cosine to the full gradient")
    curves.draw(axes, lines, missing="")
    return Drawn(
        figure,
        _title(lines),
        _alt(),
        numbers(frame, COLUMNS),
        [say("Mean over draws and seeds with 95 % intervals. 1: the same direction.")],
        curves.series(lines),
    )


def _title(lines: list[Curve]) -> Message | None:
    last = lines[-1].drawn
    aligned = last[last["y"] >= ALIGNED]
    if aligned.empty:
        return None
    return say(
        "From batch size {size} on the gradient is nearly the full one (cosine {cosine}); "
        "one image alone has {single}",
        size=whole(aligned["x"].min()),
        cosine=significant(aligned["y"].iloc[0], 2),
        single=significant(pd.Series(last["y"]).iloc[0], 2),
    )


def _alt() -> Message:
    return say("Line chart of the cosine between mini-batch and full gradient over batch size.")
