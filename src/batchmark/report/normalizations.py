"""The normalization study along its other axes: learning rate and initial scale."""

from collections.abc import Sequence

import pandas as pd

from batchmark.report import curves, names, style
from batchmark.report.comparison import (
    EPOCHS,
    any_drawn,
    first_evaluation,
    numbers,
    target_notes,
)
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant
from batchmark.report.phrases import listed
from batchmark.report.selection import study_summary
from batchmark.report.tables import Tables


def reference_rows(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The rows at the most frequent value of each of the axes: the study's usual setting."""
    for axis in axes:
        if axis in frame and frame[axis].nunique() > 1:
            usual = frame[axis].astype(str).mode()[0]
            frame = frame[frame[axis].astype(str) == usual]
    return frame


def draw_along(tables: Tables, axis: str, label: str, others: Sequence[str]) -> Drawn | None:
    """Epochs to target over a numeric axis of the study, one curve a normalization."""
    frame = study_summary(tables, "normalization")
    if frame.empty or axis not in frame:
        return None
    frame = reference_rows(frame, others)
    frame = frame.assign(**{axis: pd.to_numeric(frame[axis], errors="coerce")})
    frame = frame.dropna(subset=[axis])
    lines = [line for line in _lines(frame, axis) if line.points["x"].nunique() > 1]
    if not any_drawn(lines):
        return None
    figure, (panel,) = style.panels(right=104)
    style.log_values_axis(panel, [x for line in lines for x in line.points["x"]], label)
    style.log_axis(panel, curves.values(lines), "epochs to target")
    curves.draw(panel, lines)
    columns = {"normalization": "normalization", axis: label} | EPOCHS
    return Drawn(
        figure,
        _title(lines, label, first_evaluation(frame)),
        _alt(lines, label),
        numbers(frame, columns),
        target_notes(frame),
        curves.series(lines),
    )


def _lines(frame: pd.DataFrame, axis: str) -> list[Curve]:
    return curves.by_group(frame, "normalization", "epochs_to_target", x=axis)


def _title(lines: Sequence[Curve], label: str, first: float) -> Message | None:
    """The range over the axis, of the plain network and of the steadiest normalization."""
    plain = next((line for line in lines if line.name == "none"), None)
    others = [line for line in lines if line.name not in ("none", "input")]
    if plain is None or not others:
        return None
    steady = min(others, key=_range)
    if steady.missed:
        return None
    instant = steady.drawn["y"].max() <= first
    return say(
        "At every {axis} {name} is there by the first evaluation; the plain network {plain}"
        if instant
        else "Across the {axis} {name} varies by a factor {steady}; the plain network {plain}",
        axis=Message(label),
        name=Message(names.name(steady.name)),
        steady=_written(steady),
        plain=_plain(plain, first),
    )


def _plain(line: Curve, first: float) -> Message:
    if line.missed:
        return say("misses the target")
    if line.drawn["y"].max() <= first:
        return say("is, too")
    return say("varies by a factor {x}", x=_written(line))


def _range(line: Curve) -> float:
    missed = float("inf") if line.missed else 0.0
    return missed or float(line.drawn["y"].max() / line.drawn["y"].min())


def _written(line: Curve) -> str:
    return significant(_range(line), 2)


def _alt(lines: Sequence[Curve], label: str) -> Message:
    return say(
        "Line chart of epochs to target over {axis}, one line each for {names}.",
        axis=Message(label),
        names=listed([line.label for line in lines]),
    )
