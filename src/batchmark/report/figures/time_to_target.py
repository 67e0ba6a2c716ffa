"""Time to target over batch size, and its two factors: the picture of the whole report."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchmark.report import curves, palette, style
from batchmark.report.comparison import numbers, target_notes
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, times, whole
from batchmark.report.selection import headline_rows, highest, lowest, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "batch_size": "batch size",
    "reached": "trials that reached it",
    "trials": "trials",
    "epochs_to_target": "epochs to target",
    "epochs_to_target_low": "epochs, low",
    "epochs_to_target_high": "epochs, high",
    "seconds_per_epoch": "seconds per epoch",
    "time_to_target": "time to target (s)",
    "time_to_target_low": "time, low",
    "time_to_target_high": "time, high",
}

ROOM_FOR_NAME = 0.8


def draw(tables: Tables) -> Drawn | None:
    """Three stacked panels on one batch size axis."""
    frame = headline_rows(tables)
    if frame.empty or not measured(frame, "time_to_target"):
        return None
    figure, (time, epochs, seconds) = style.panels((215, 92, 92), right=16)
    for axes in (time, epochs, seconds):
        style.batch_axis(axes, frame["batch_size"], "batch size" if axes is seconds else "")
    published = _published(tables, frame)
    line = _line(frame, "time_to_target")
    style.log_axis(time, [*curves.values([line]), *published["y"].dropna()], "time to target (s)")
    _shade_best(time, tables)
    _draw_published(time, published)
    curves.draw(time, [line], named=False)
    _draw_factor(epochs, _line(frame, "epochs_to_target"), "epochs to target")
    _draw_factor(seconds, _line(frame, "seconds_per_epoch"), "seconds per epoch", missing="")
    return Drawn(
        figure=figure,
        title=_title(frame, tables.document("answer")),
        alt=_alt(frame),
        numbers=numbers(frame, COLUMNS),
        notes=_notes(frame, tables),
        series={"sgd": "SGD"},
    )


def _line(frame: pd.DataFrame, value: str) -> Curve:
    return Curve("sgd", palette.BLUE, "o", curves.points(frame, value))


def _draw_factor(axes: Axes, line: Curve, label: str, missing: str = "not reached") -> None:
    style.log_axis(axes, curves.values([line]), label)
    curves.draw(axes, [line], named=False, missing=missing)


def _published(tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    """The published relative times, scaled so that both curves have the same smallest value."""
    table = tables.frame("published")
    if table.empty:
        return pd.DataFrame({"x": [], "y": []}, dtype=float)
    scale = frame["time_to_target"].min() / table["time_to_099_pu"].min()
    made = pd.DataFrame({"x": table["batch_size"], "y": table["time_to_099_pu"] * scale})
    return made[made["x"].between(frame["batch_size"].min(), frame["batch_size"].max())]


def _draw_published(axes: Axes, published: pd.DataFrame) -> None:
    """The curve and its name, which goes to the left where the axes end."""
    kept = published.dropna().sort_values("x")
    if kept.empty:
        return
    axes.plot(kept["x"], kept["y"], color=palette.INK, alpha=0.45, linewidth=1, zorder=1)
    last = kept.iloc[-1]
    share = axes.transAxes.inverted().transform(axes.transData.transform((last["x"], last["y"])))[0]
    outside = share > ROOM_FOR_NAME
    axes.annotate(
        "published",
        (last["x"], last["y"]),
        xytext=(-6 if outside else 6, 0),
        textcoords="offset points",
        ha="right" if outside else "left",
        va="center",
        alpha=0.7,
    )


def _shade_best(axes: Axes, tables: Tables) -> None:
    """The batch sizes that cannot be told from the best one."""
    answer = tables.document("answer")
    low, high = answer.get("best_batch_size_low"), answer.get("best_batch_size_high")
    if low and high:
        edge = 1.12
        axes.axvspan(low / edge, high * edge, color=palette.GREEN, alpha=0.13, linewidth=0)


def _title(frame: pd.DataFrame, answer: Mapping[str, Any]) -> Message | None:
    """The winner where there is one, else the sizes that tie; and the slowest that is neither."""
    reached = frame[np.isfinite(frame["time_to_target"])]
    if len(reached) < 2:
        return None
    best = lowest(reached, "time_to_target")
    worst = highest(reached, "time_to_target")
    size = float(best["batch_size"])
    low, high = (answer.get(f"best_batch_size_{end}") or size for end in ("low", "high"))
    if low <= worst["batch_size"] <= high:
        return say(
            "Batch sizes {low} to {high} cannot be told apart", low=whole(low), high=whole(high)
        )
    return say(
        "Batch size {best} reaches the target first; {worst} takes {times} as long"
        if low == high
        else "Batch sizes {low} to {high} reach the target first and cannot be told apart; {worst} "
        "takes {times} as long",
        best=whole(size),
        low=whole(low),
        high=whole(high),
        worst=whole(worst["batch_size"]),
        times=times(worst["time_to_target"] / best["time_to_target"]),
    )


def _alt(frame: pd.DataFrame) -> Message:
    reached = frame[np.isfinite(frame["time_to_target"])]
    if reached.empty:
        return say("Line chart: no batch size reached the target.")
    best = lowest(reached, "time_to_target")
    return say(
        "Line chart of time to target over batch size {smallest} to {largest}, lowest at {best} "
        "with {seconds} s; below it epochs to target and seconds per epoch.",
        smallest=whole(frame["batch_size"].min()),
        largest=whole(frame["batch_size"].max()),
        best=whole(best["batch_size"]),
        seconds=significant(best["time_to_target"]),
    )


def _notes(frame: pd.DataFrame, tables: Tables) -> list[Message]:
    notes = target_notes(frame)
    if not tables.frame("published").empty:
        notes.append(say("Grey: the published relative times, scaled to the same smallest value."))
    return notes
