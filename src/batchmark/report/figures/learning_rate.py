"""Epochs to target over batch size under each learning rate rule."""

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
from batchmark.report.selection import study_summary
from batchmark.report.tables import Tables

RULE = "axis_learning_rate_rule"


def draw(tables: Tables) -> Drawn | None:
    """One curve a rule: fixed, square root, linear, tuned."""
    frame = study_summary(tables, "learning_rate")
    if frame.empty or RULE not in frame:
        return None
    frame = frame.assign(rule=frame[RULE].where(~frame["tuned"].astype(bool), "tuned"))
    lines = curves.by_group(frame, "rule", "epochs_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "epochs to target"),
        fewest(lines),
        described(lines, "epochs to target"),
        numbers(frame, {"rule": "rule", "learning_rate": "learning rate"} | EPOCHS),
        target_notes(frame),
        curves.series(lines),
    )
