"""Time to target over batch size for every model."""

from batchmark.report import curves
from batchmark.report.comparison import (
    TIME,
    any_drawn,
    described,
    fastest,
    numbers,
    panel,
    target_notes,
)
from batchmark.report.drawn import Drawn
from batchmark.report.selection import study_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """One curve a model."""
    frame = study_summary(tables, "model")
    if frame.empty:
        return None
    lines = curves.by_group(frame, "model", "time_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "time to target (s)", right=122),
        fastest(lines),
        described(lines, "time to target (s)"),
        numbers(frame, {"model": "model"} | TIME),
        target_notes(frame),
        curves.series(lines),
    )
