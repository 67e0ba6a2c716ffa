"""Epochs to target over batch size for every optimizer, at its default and its tuned rate."""

from batchmark.report import curves
from batchmark.report.comparison import (
    EPOCHS,
    any_drawn,
    described,
    fewest,
    numbers,
    panel,
    target_notes,
)
from batchmark.report.drawn import Drawn
from batchmark.report.optimizers import dashed_note, optimizer_curves, optimizer_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """Dashed where an optimizer has a second rate."""
    frame = optimizer_summary(tables)
    lines = optimizer_curves(frame, "epochs_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "epochs to target", right=112, height=320),
        fewest(lines),
        described(lines, "epochs to target"),
        numbers(frame, {"name": "optimizer", "learning_rate": "learning rate"} | EPOCHS),
        [*target_notes(frame), *dashed_note(lines)],
        curves.series(lines),
    )
