"""Epochs to target over batch size for every momentum, with and without Nesterov."""

import pandas as pd

from batchmark.report import curves, palette
from batchmark.report.comparison import (
    EPOCHS,
    any_drawn,
    described,
    fewest,
    numbers,
    panel,
    target_notes,
)
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.numbers import significant
from batchmark.report.selection import study_summary
from batchmark.report.tables import Tables

USUAL = 0.9


def draw(tables: Tables) -> Drawn | None:
    """One hue a momentum, that of the optimizer figures where they show it; dashed: Nesterov."""
    frame = study_summary(tables, "momentum")
    if frame.empty:
        return None
    lines = _lines(frame)
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "epochs to target", right=112),
        fewest(lines),
        described(lines, "epochs to target"),
        numbers(frame, {"momentum": "momentum", "nesterov": "Nesterov"} | EPOCHS),
        target_notes(frame),
        curves.series(lines),
    )


def _lines(frame: pd.DataFrame) -> list[Curve]:
    levels = sorted(float(level) for level in frame["momentum"].unique())
    kinds = [(level, nesterov) for level in levels for nesterov in (False, True)]
    found = [(level, nesterov, _rows(frame, level, nesterov)) for level, nesterov in kinds]
    return [
        _line(k, level, nesterov, rows)
        for k, (level, nesterov, rows) in enumerate(found)
        if not rows.empty
    ]


def _rows(frame: pd.DataFrame, level: float, nesterov: bool) -> pd.DataFrame:
    return frame[(frame["momentum"] == level) & (frame["nesterov"].astype(bool) == nesterov)]


def _line(k: int, level: float, nesterov: bool, rows: pd.DataFrame) -> Curve:
    kind = "Nesterov" if nesterov else "momentum"
    series = _series(level, nesterov)
    return Curve(
        series,
        palette.hue(series, k),
        palette.marker(series, k),
        curves.points(rows, "epochs_to_target"),
        f"{kind} {significant(level)}" if level else "no momentum",
        nesterov,
    )


def _series(level: float, nesterov: bool) -> str:
    """The optimizer figures' key where they show the same; else the momentum's own."""
    if not level:
        return "sgd"
    kind = "nesterov" if nesterov else "momentum"
    return kind if level == USUAL else f"{kind}-{level:g}"
