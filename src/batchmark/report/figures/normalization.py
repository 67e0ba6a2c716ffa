"""The normalization study along its three axes: batch size, learning rate and initial scale."""

from collections.abc import Sequence

import pandas as pd

from batchmark.report import curves, names, style
from batchmark.report.comparison import (
    EPOCHS,
    Comparison,
    any_drawn,
    fewest,
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


def normalization(tables: Tables) -> Drawn | None:
    """Epochs to target for every normalization, at the study's usual rate and initial scale."""
    frame = study_summary(tables, "normalization")
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "normalization", value),
        quantity=EPOCHS,
        columns={"normalization": "normalization"} | EPOCHS.columns,
        title=fewest,
        right=104,
    ).draw(_usual(frame, ["learning_rate", "initializer_scale"]))


def normalization_rates(tables: Tables) -> Drawn | None:
    """The same over the learning rate, at the study's usual batch size and initial scale."""
    return _along(tables, "learning_rate", "learning rate", ["batch_size", "initializer_scale"])


def normalization_scales(tables: Tables) -> Drawn | None:
    """The same over the weights' initial scale, at the study's usual batch size and rate."""
    return _along(tables, "initializer_scale", "initial scale", ["batch_size", "learning_rate"])


def _along(tables: Tables, axis: str, label: str, others: Sequence[str]) -> Drawn | None:
    """Epochs to target over a numeric axis of the study, one curve a normalization."""
    frame = study_summary(tables, "normalization")
    if frame.empty or axis not in frame:
        return None
    frame = _usual(frame, others)
    frame = frame.assign(**{axis: pd.to_numeric(frame[axis], errors="coerce")})
    frame = frame.dropna(subset=[axis])
    lines = curves.by_group(frame, "normalization", EPOCHS.column, x=axis)
    lines = [line for line in lines if line.points["x"].nunique() > 1]
    if not any_drawn(lines):
        return None
    figure, (panel,) = style.panels(right=104)
    style.log_values_axis(panel, [x for line in lines for x in line.points["x"]], label)
    style.log_axis(panel, curves.values(lines), EPOCHS.label)
    curves.draw(panel, lines)
    alt = say(
        "Line chart of epochs to target over {axis}, one line each for {names}.",
        axis=Message(label),
        names=listed([line.label for line in lines]),
    )
    return Drawn(
        figure=figure,
        title=_steadiest(lines, label, first_evaluation(frame)),
        alt=alt,
        numbers=numbers(frame, {"normalization": "normalization", axis: label} | EPOCHS.columns),
        notes=target_notes(frame),
        series=curves.series(lines),
    )


def _usual(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The rows at the most frequent value of each of the axes."""
    for axis in axes:
        if axis in frame and frame[axis].nunique() > 1:
            values = frame[axis].astype(str)
            frame = frame[values == values.mode()[0]]
    return frame


def _steadiest(lines: Sequence[Curve], label: str, first: float) -> Message | None:
    """The range over the axis, of the plain network and of the steadiest normalization."""
    plain = next((line for line in lines if line.name == "none"), None)
    others = [line for line in lines if line.name not in names.OUTSIDE_LAYERS]
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
        steady=significant(_range(steady), 2),
        plain=_plain(plain, first),
    )


def _plain(line: Curve, first: float) -> Message:
    if line.missed:
        return say("misses the target")
    if line.drawn["y"].max() <= first:
        return say("is, too")
    return say("varies by a factor {x}", x=significant(_range(line), 2))


def _range(line: Curve) -> float:
    """The largest over the smallest value; infinite where one is missing."""
    return float("inf") if line.missed else float(line.drawn["y"].max() / line.drawn["y"].min())
