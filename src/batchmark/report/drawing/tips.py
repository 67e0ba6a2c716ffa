"""What a point of a figure says when a reader points at it: value, interval, number of trials.

Matplotlib hands an artist's id to the SVG and nothing else, so the points wait in its label, and
the id gets the number of the first: `series-adam#7`.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from batchmark.report.language.messages import (
    Message,
    bracketed,
    joined,
    listed,
    say,
    significant,
)

KEPT = ["x", "y", "low", "high", "trials", "reached"]


def keep(line: Line2D, name: str, points: pd.DataFrame, measure: str = "") -> None:
    """Let `points` (columns `KEPT`, as far as known) be what the marks of `line` tell, in order.

    `measure`: what `y` is, where it is not what the axes are named after. Points without `x` stand
    at no number: their name says where.
    """
    rows = points.reindex(columns=KEPT).astype(float)
    records = rows.astype(object).where(rows.notna() & (rows.abs() < math.inf), None)
    # Matplotlib leaves labels that begin so out of legends.
    told = {"name": name, "measure": measure, "points": records.to_dict("records")}
    line.set_label("_" + json.dumps(told))


def number(figure: Figure) -> None:
    """Put the number of its first tip behind the id of every line that has some."""
    first = 0
    for _, line, told in _lines(figure):
        line.set_gid(f"{str(line.get_gid() or '').partition('#')[0]}#{first}")
        first += len(told["points"])


def tips(figure: Figure) -> list[Message]:
    """What the marks tell, by their numbers."""
    return [
        _words(axes, told["name"], told["measure"], point)
        for axes, _, told in _lines(figure)
        for point in told["points"]
    ]


def _lines(figure: Figure) -> Iterator[tuple[Axes, Line2D, Mapping[str, Any]]]:
    for axes in figure.axes:
        for line in axes.lines:
            label = str(line.get_label())
            if line.get_gid() and label.startswith("_{"):
                yield axes, line, json.loads(label[1:])


def _words(axes: Axes, name: str, measure: str, point: Mapping[str, float | None]) -> Message:
    y = point["y"]
    of = Message(measure or str(axes.get_label()))
    if y is None:
        value = say("{measure}: {value}", measure=of, value=say("not reached"))
    else:
        shown = f"{significant(y)}{_interval(y, point['low'], point['high'])}"
        value = say("{measure}: {value}", measure=of, value=shown)
    parts = [*_place(axes, point["x"]), value, *_trials(point)]
    return joined([listed(name.split(", ")), *parts] if name else parts)


def _place(axes: Axes, x: float | None) -> Sequence[Message]:
    if x is None:
        return []
    figure = axes.figure
    below = axes.get_xlabel() or (figure.axes[-1].get_xlabel() if figure else "")
    at = (axes.fmt_xdata or significant)(x)
    return [say("{axis} {value}", axis=Message(below), value=at)]


def _interval(value: float, low: float | None, high: float | None) -> str:
    """Nothing where the value stands for its own bounds; batch sizes with all their digits."""
    if low == high == value:
        return ""
    sizes = None not in (low, high) and all(float(end or 0).is_integer() for end in (low, high))
    return bracketed(low, high, 6 if sizes else 2)


def _trials(point: Mapping[str, float | None]) -> Sequence[Message]:
    trials, reached = point["trials"], point["reached"]
    if not trials:
        return []
    if reached is not None and reached < trials:
        return [say("{k} of {n} trials reached it", k=round(reached), n=round(trials))]
    return [say("1 trial") if trials == 1 else say("{n} trials", n=round(trials))]
