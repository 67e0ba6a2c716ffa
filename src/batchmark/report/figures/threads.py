"""Seconds per epoch over batch size with one thread and with all cores."""

import pandas as pd

from batchmark.report import curves, palette, phrases
from batchmark.report.comparison import apart, described, numbers, panel
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import times, whole
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
    colors = palette.ramp(len(counts))
    return [
        Curve(
            f"threads-{count}",
            colors[k],
            palette.MARKERS[k % 8],
            curves.points(frame[frame["threads"] == count], "seconds_per_epoch"),
            str(phrases.threads(count)),
        )
        for k, count in enumerate(counts)
    ]


def _title(lines: list[Curve]) -> Message | None:
    """Between which batch sizes all threads begin to beat one, and where one beats them."""
    pairs = _pairs(lines[0], lines[-1])
    if not pairs:
        return None
    helped = [x for x, one, most in pairs if apart(most, one)]
    hurt = [(x, one, most) for x, one, most in pairs if apart(one, most)]
    return say("{gain}{loss}", gain=_gain([x for x, *_ in pairs], helped), loss=_loss(hurt))


def _pairs(one: Curve, most: Curve) -> list[tuple[float, pd.Series, pd.Series]]:
    left, right = (line.drawn.set_index("x") for line in (one, most))
    return [(float(x), left.loc[x], right.loc[x]) for x in left.index if x in right.index]


def _gain(sizes: list[float], helped: list[float]) -> Message:
    if not helped:
        return say("More threads help at no batch size")
    before = [size for size in sizes if size < helped[0]]
    if not before:
        return say("More threads help from batch size {size} on", size=whole(helped[0]))
    return say(
        "More threads begin to help between batch sizes {low} and {high}",
        low=whole(before[-1]),
        high=whole(helped[0]),
    )


def _loss(hurt: list[tuple[float, pd.Series, pd.Series]]) -> Message | str:
    if not hurt:
        return ""
    x, one, most = hurt[0]
    return say(
        "; at batch size {size} one thread is {times} as fast as all",
        size=whole(x),
        times=times(most["y"] / one["y"]),
    )
