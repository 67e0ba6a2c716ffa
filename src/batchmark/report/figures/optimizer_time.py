"""Time to target over batch size for every optimizer."""

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
from batchmark.report.optimizers import dashed_note, optimizer_curves, optimizer_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """Like the epochs, multiplied by what an epoch costs with each optimizer."""
    frame = optimizer_summary(tables)
    lines = optimizer_curves(frame, "time_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "time to target (s)", right=112, height=320),
        fastest(lines),
        described(lines, "time to target (s)"),
        numbers(frame, {"name": "optimizer", "learning_rate": "learning rate"} | TIME),
        [*target_notes(frame), *dashed_note(lines)],
        curves.series(lines),
    )
