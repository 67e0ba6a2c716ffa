"""The A/A test of every timing block: the anchor against its twin."""

import pandas as pd

from batchmark.report import palette, style
from batchmark.report.comparison import numbers
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent
from batchmark.report.selection import at_home, headline_study, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "study": "study",
    "ratio": "twin / anchor",
    "low": "low",
    "high": "high",
    "anchor_drift": "anchor drift",
    "spread": "spread",
}


def draw(tables: Tables) -> Drawn | None:
    """One interval a timing block around 1."""
    frame = at_home(tables, "noise")
    if not measured(frame, "ratio"):
        return None
    frame = frame.reset_index(drop=True)
    height = 30 + 30 * len(frame)
    figure, (axes,) = style.panels((height,), left=118, right=24)
    _draw(axes, frame)
    return Drawn(
        figure,
        _title(frame, headline_study(tables)),
        _alt(),
        numbers(frame, COLUMNS),
        [say("Median and 95 % interval over rounds. Both ran the same code.")],
    )


def _draw(axes: style.Axes, frame: pd.DataFrame) -> None:
    rows = range(len(frame))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    axes.axvline(1, color=palette.INK, alpha=0.6, linewidth=1)
    axes.hlines(
        rows, 100 * (frame["low"] - 1), 100 * (frame["high"] - 1), color=palette.BLUE, linewidth=2
    )
    axes.plot(100 * (frame["ratio"] - 1), rows, "o", color=palette.BLUE)
    axes.lines[0].set_xdata([0, 0])
    widest = 100 * float((frame[["low", "high"]] - 1).abs().to_numpy().max())
    axes.set_xlim(-1.2 * widest, 1.2 * widest)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    style.plain_axis(axes, "twin against anchor (% difference)")
    style.names_axis(axes, [str(name).replace("_", " ") for name in frame["study"]])


def _title(frame: pd.DataFrame, study: str) -> Message:
    """The noise floor of the answer's study, and of the noisiest."""
    floors = _floors(frame)
    widest = percent(floors.max(), 2)
    own = floors[frame["study"] == study]
    if own.empty:
        return say("Differences below {noise} cannot be told from noise", noise=widest)
    return say(
        "Differences below {noise} cannot be told from noise in the study of the answer, below "
        "{widest} in any",
        noise=percent(own.iloc[0], 2),
        widest=widest,
    )


def _floors(frame: pd.DataFrame) -> pd.Series:
    if measured(frame, "noise_floor"):
        return frame["noise_floor"]
    return (frame[["low", "high"]] - 1).abs().max(axis=1)


def _alt() -> Message:
    return say("Intervals of the ratio between two timings of the same code, one a timing block.")
