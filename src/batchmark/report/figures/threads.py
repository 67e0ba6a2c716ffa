"""Seconds per epoch over batch size with one thread and with all cores."""

import pandas as pd

from batchmark.report import curves, palette
from batchmark.report.comparison import described, numbers, panel
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import whole
from batchmark.report.selection import at_home, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "threads": "threads",
    "batch_size": "batch size",
    "seconds_per_epoch": "seconds per epoch",
    "seconds_per_epoch_low": "low",
    "seconds_per_epoch_high": "high",
}


def draw(tables: Tables) -> Drawn | None:
    """One curve a number of threads, from the block that timed several."""
    frame = at_home(tables, "threads")
    if not measured(frame, "seconds_per_epoch"):
        return None
    frame = _block(frame[frame["role"] != "twin"])
    if frame.empty:
        return None
    lines = _lines(frame)
    return Drawn(
        panel(lines, "seconds per epoch", missing="", right=92),
        _title(lines),
        described(lines, "seconds per epoch"),
        numbers(frame, COLUMNS),
        [say("Median over rounds; bands are 95 % intervals.")],
        curves.series(lines),
    )


def _block(frame: pd.DataFrame) -> pd.DataFrame:
    """The study with more than one thread setting, one row a batch size and setting."""
    counts = frame.groupby("study")["threads"].nunique()
    several = counts[counts > 1]
    if several.empty:
        return frame.iloc[:0]
    sizes = frame[frame["study"].isin(several.index)].groupby("study")["batch_size"].nunique()
    kept = frame[frame["study"] == sizes.idxmax()]
    return kept.drop_duplicates(["threads", "batch_size"]).sort_values("batch_size")


def _lines(frame: pd.DataFrame) -> list[Curve]:
    counts = sorted(int(count) for count in frame["threads"].unique())
    return [
        Curve(
            f"threads-{count}",
            palette.HUES[k % 8],
            palette.MARKERS[k % 8],
            curves.points(frame[frame["threads"] == count], "seconds_per_epoch"),
            "1 thread" if count == 1 else f"{count} threads",
        )
        for k, count in enumerate(counts)
    ]


def _title(lines: list[Curve]) -> Message | None:
    one, most = lines[0].drawn.set_index("x")["y"], lines[-1].drawn.set_index("x")["y"]
    gain = (one / most).dropna()
    if gain.empty:
        return None
    helped = gain[gain > 1.02]
    if helped.empty:
        return say("More threads help at no batch size")
    return say("More threads help from batch size {size} on", size=whole(float(helped.index[0])))
