"""How widely gradient magnitudes spread over single weights."""

import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.comparison import numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.probes import MOMENTS, probe_rows
from batchmark.report.tables import Tables

COLUMNS = {"moment": "moment", "quantile": "share of weights below", "magnitude": "|gradient|"}


def draw(tables: Tables) -> Drawn | None:
    """Quantiles of |dL/dw|, one curve a moment of training."""
    frame = probe_rows(tables, "magnitudes")
    if frame.empty:
        return None
    frame = frame.assign(quantile=pd.to_numeric(frame["quantile"]))
    frame = frame.groupby(["moment", "quantile"], as_index=False)[["magnitude"]].median()
    lines = [
        _line(frame[frame["moment"] == moment], moment, k)
        for k, moment in enumerate(MOMENTS)
        if (frame["moment"] == moment).any()
    ]
    figure, (axes,) = style.panels(right=104, left=64)
    axes.set_xlim(0, 100)
    style.log_axis(axes, curves.values(lines), "size of a weight's gradient")
    curves.draw(axes, lines, missing="")
    style.plain_axis(axes, "weights with a smaller gradient (%)")
    return Drawn(
        figure,
        _title(lines[-1]),
        _alt(),
        numbers(frame, COLUMNS),
        [say("Median over seeds of the quantiles over all weights.")],
        curves.series(lines),
    )


def _line(rows: pd.DataFrame, moment: str, k: int) -> Curve:
    points = rows.assign(x=100 * rows["quantile"], y=rows["magnitude"])
    points = points[points["y"] > 0].assign(low=points["y"], high=points["y"])
    return Curve(moment, palette.HUES[k], palette.MARKERS[k], points, MOMENTS[moment])


def _title(line: Curve) -> Message | None:
    rows = line.drawn.set_index("quantile")["y"]
    if not {0.1, 0.9} <= set(rows.index):
        return None
    ratio = float(rows[0.9] / rows[0.1])
    return say(
        "Between the 10th and the 90th percentile gradients differ {times}-fold",
        times=whole(ratio) if ratio >= 10 else significant(ratio),
    )


def _alt() -> Message:
    return say("Line chart of the quantiles of gradient magnitude over all weights.")
