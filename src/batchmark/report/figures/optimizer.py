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
from batchmark.report.messages import say
from batchmark.report.optimizers import optimizer_curves, optimizer_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """Solid: default rate; dashed: tuned rate."""
    frame = optimizer_summary(tables)
    lines = optimizer_curves(frame, "epochs_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "epochs to target", right=112, height=320),
        fewest(lines),
        described(lines, "epochs to target"),
        numbers(frame, {"name": "optimizer", "learning_rate": "learning rate"} | EPOCHS),
        [*target_notes(frame), say("Dashed: the same optimizer at another learning rate.")],
        curves.series(lines),
    )
