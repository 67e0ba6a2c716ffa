"""Validation error over epochs, one line for each batch size."""

import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.phrases import listed
from batchmark.report.selection import at_home, headline_rows
from batchmark.report.tables import Tables

MOST_POINTS = 60
FEW_POINTS = 8


def draw(tables: Tables) -> Drawn | None:
    """Medians over seeds at each evaluation."""
    summary = headline_rows(tables)
    epochs = at_home(tables, "epochs")
    if summary.empty or epochs.empty:
        return None
    frame = _medians(summary, epochs)
    sizes = sorted(frame["batch_size"].unique())
    if not sizes or frame["epoch"].nunique() < 2:
        return None
    lines = [
        _line(frame, one, color) for one, color in zip(sizes, palette.ramp(len(sizes)), strict=True)
    ]
    return Drawn(
        _figure(lines, frame["epoch"].max()),
        _title(frame),
        _alt(sizes),
        _numbers(frame),
        _notes(summary),
        curves.series(lines),
    )


def _figure(lines: list[Curve], last: float) -> style.Figure:
    figure, (axes,) = style.panels(right=60)
    axes.set_xlim(0, last)
    style.log_axis(axes, curves.values(lines, bands=False), "validation error (%)")
    for line in lines:
        axes.plot(
            line.points["x"],
            line.points["y"],
            color=line.color,
            linewidth=1.5,
            marker="o" if len(line.points) < FEW_POINTS else "",
            markersize=4,
            gid=style.gid(line.name),
        )
    style.label_ends(axes, [curves.end(line) for line in lines])
    style.plain_axis(axes, "epoch")
    return figure


def _notes(summary: pd.DataFrame) -> list[Message]:
    note = say("Median over trials. Dark lines are small batches, light ones large.")
    left = sorted(summary.loc[summary["status"] != "done", "batch_size"].unique())
    if not left:
        return [note]
    sizes = listed([whole(size) for size in left])
    return [note, say("Not drawn, because they cannot converge: batch size {sizes}.", sizes=sizes)]


def _medians(summary: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    kept = summary.loc[summary["status"] == "done", ["variant", "batch_size"]]
    rows = epochs.merge(kept.drop_duplicates(), on="variant", suffixes=("_here", ""))
    rows = rows.assign(error=100 * (1 - rows["validation_accuracy"]))
    middle = rows.groupby(["batch_size", "epoch"], as_index=False)["error"].median()
    return middle.assign(error=middle["error"].clip(lower=0.01))


def _line(frame: pd.DataFrame, size: int, color: str) -> Curve:
    rows = frame[frame["batch_size"] == size]
    step = max(1, len(rows) // MOST_POINTS)
    points = rows.iloc[::step].rename(columns={"epoch": "x", "error": "y"})
    return Curve(
        f"bs{size}", color, "", points.assign(low=points["y"], high=points["y"]), whole(size)
    )


def _title(frame: pd.DataFrame) -> Message | None:
    last = frame.sort_values("epoch").groupby("batch_size").last()
    if len(last) < 2:
        return None
    smallest, largest = last.iloc[0], last.iloc[-1]
    return say(
        "After the last epoch batch size {small} stands at {low} % error, {large} at {high} %",
        small=whole(last.index[0]),
        low=significant(smallest["error"]),
        large=whole(last.index[-1]),
        high=significant(largest["error"]),
    )


def _alt(sizes: list[int]) -> Message:
    return say(
        "Line chart of validation error over epochs, one line for each batch size from {low} to "
        "{high}.",
        low=whole(sizes[0]),
        high=whole(sizes[-1]),
    )


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    wide = frame.pivot_table(index="epoch", columns="batch_size", values="error").reset_index()
    return wide.iloc[:: max(1, len(wide) // 20)]
