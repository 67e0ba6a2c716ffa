"""Time to target over batch size for every target: does the answer hinge on the target?"""

import pandas as pd

from batchmark.report import curves, palette
from batchmark.report.comparison import any_drawn, described, numbers, panel
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, whole
from batchmark.report.selection import at_home, headline_study, headline_variants, lowest
from batchmark.report.tables import Tables

COLUMNS = {
    "target": "target",
    "batch_size": "batch size",
    "reached": "trials that reached it",
    "trials": "trials",
    "epochs_to_target": "epochs to target",
    "time_to_target": "time to target (s)",
    "time_to_target_low": "low",
    "time_to_target_high": "high",
}


def draw(tables: Tables) -> Drawn | None:
    """One curve a target, easy to hard."""
    frame = at_home(tables, "sensitivity")
    if frame.empty:
        return None
    frame = frame[frame["study"] == headline_study(tables)]
    frame = frame[frame["variant"].isin(headline_variants(tables))]
    lines = _lines(frame)
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "time to target (s)", right=64),
        _title(lines),
        described(lines, "time to target (s)"),
        numbers(frame, COLUMNS),
        [say("Each line is one target, a validation accuracy; medians, without intervals.")],
        curves.series(lines),
    )


def _lines(frame: pd.DataFrame) -> list[Curve]:
    targets = sorted(frame["target"].unique())
    colors = palette.ramp(len(targets))
    return [
        Curve(
            f"target-{target:g}",
            colors[k],
            palette.MARKERS[k % 8],
            curves.points(frame[frame["target"] == target], "time_to_target", interval=False),
            percent(target),
        )
        for k, target in enumerate(targets)
    ]


def _title(lines: list[Curve]) -> Message | None:
    best = {line.label: lowest(line.drawn, "y")["x"] for line in lines if not line.drawn.empty}
    if len(best) < 2:
        return None
    targets, sizes = list(best), set(best.values())
    if len(sizes) == 1:
        return say("Batch size {size} is fastest for every target", size=whole(min(sizes)))
    return say(
        "The fastest batch size moves between {low} and {high} over the targets {easy} to {hard}",
        low=whole(min(sizes)),
        high=whole(max(sizes)),
        easy=targets[0],
        hard=targets[-1],
    )
