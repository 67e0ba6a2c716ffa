"""Epochs to target over batch size for every normalization."""

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
from batchmark.report.normalizations import reference_rows
from batchmark.report.selection import study_summary
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """One curve a normalization, at the study's usual rate and initial scale."""
    frame = study_summary(tables, "normalization")
    if frame.empty:
        return None
    frame = reference_rows(frame, ["learning_rate", "initializer_scale"])
    lines = curves.by_group(frame, "normalization", "epochs_to_target")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "epochs to target", right=104),
        fewest(lines),
        described(lines, "epochs to target"),
        numbers(frame, {"normalization": "normalization"} | EPOCHS),
        target_notes(frame),
        curves.series(lines),
    )
