"""Test error over batch size: at the best validation epoch, at the end, and as published."""

import numpy as np
import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.comparison import described, numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.selection import headline_rows, highest, lowest, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "batch_size": "batch size",
    "trials": "trials",
    "best_test_error": "test error at the best epoch (%)",
    "final_test_error": "final test error (%)",
    "best_validation_error": "best validation error (%)",
    "best_epoch": "best epoch",
}
# Curves closer than this share of their values are drawn as one.
SAME = 0.02
ERRORS = ["best_test_error", "final_test_error", "best_validation_error"]


def draw(tables: Tables) -> Drawn | None:
    """Two curves of ours and the published one."""
    frame = headline_rows(tables)
    if not measured(frame, "best_test_error"):
        return None
    frame = frame.copy()
    frame[ERRORS] *= 100
    frame.loc[~frame["status"].isin(["done"]), ERRORS] = None
    if not measured(frame, "best_test_error"):
        return None
    lines = _lines(frame)
    return Drawn(
        _figure(frame, lines, _published(tables, frame)),
        _title(lines[0]),
        described(lines, "test error (%)"),
        numbers(frame, COLUMNS),
        [_note(frame)],
        {"sgd": "SGD"},
    )


def _lines(frame: pd.DataFrame) -> list[Curve]:
    """Two curves, or one where they coincide."""
    best = curves.points(frame, "best_test_error")
    final = curves.points(frame, "final_test_error")
    if np.allclose(final["y"], best["y"], rtol=SAME, atol=0, equal_nan=True):
        return [Curve("sgd", palette.BLUE, "o", best, "best and last epoch")]
    return [
        Curve("sgd", palette.BLUE, "o", best, "best epoch"),
        Curve("sgd", palette.BLUE, "v", final, "last epoch", dashed=True),
    ]


def _figure(frame: pd.DataFrame, lines: list[Curve], published: pd.DataFrame) -> style.Figure:
    figure, (axes,) = style.panels(right=84 if len(lines) > 1 else 140)
    style.batch_axis(axes, frame["batch_size"])
    style.log_axis(axes, [*curves.values(lines), *published["y"]], "test error (%)")
    axes.plot(published["x"], published["y"], color=palette.INK, alpha=0.45, linewidth=1)
    curves.draw(axes, lines, missing="cannot converge", named=False)
    ends = [curves.end(line) for line in lines if not line.drawn.empty]
    if not published.empty:
        last = published.iloc[-1]
        ends.append(style.EndLabel(last["x"], last["y"], "published", palette.INK))
    style.label_ends(axes, ends, under_rail=True)
    return figure


def _published(tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    table = tables.frame("published")
    if table.empty:
        return pd.DataFrame({"x": [], "y": []}, dtype=float)
    made = pd.DataFrame({"x": table["batch_size"], "y": 100 * table["best_test_error"]})
    inside = made["x"].between(frame["batch_size"].min(), frame["batch_size"].max())
    return made[inside].dropna().sort_values("x")


def _title(line: Curve) -> Message | None:
    if len(line.drawn) < 2:
        return None
    best = lowest(line.drawn, "y")
    worst = highest(line.drawn, "y")
    return say(
        "Among the sizes that learn, test error is lowest at batch size {best} ({low} %) and "
        "highest at {worst} ({high} %)"
        if line.missed
        else "Test error is lowest at batch size {best} ({low} %) and highest at {worst} "
        "({high} %)",
        best=whole(best["x"]),
        low=significant(best["y"]),
        worst=whole(worst["x"]),
        high=significant(worst["y"]),
    )


def _note(frame: pd.DataFrame) -> Message:
    return say(
        "Median of {trials} trials. The best epoch is chosen on validation data only.",
        trials=whole(frame["trials"].max()),
    )
