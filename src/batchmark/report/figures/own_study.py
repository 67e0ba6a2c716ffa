"""The general figure of a study that no figure was made for: epochs to target along its axes."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchmark.report import selection
from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import Curve, any_drawn, numbers, target_notes
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, listed, say, significant
from batchmark.report.selection import Tables, measured, study_summary

# So many values make a name that is too long beside a line.
FEW = 3
# Units of a setting's row: its name, and its interval below.
ROW = 38
COLUMNS = {
    "line": "setting",
    "trials": "trials",
    "epochs_to_target": "epochs to target",
    "epochs_to_target_low": "low",
    "epochs_to_target_high": "high",
}


def own_study(tables: Tables, study: str) -> Drawn | None:
    """The numeric axis with most values lies horizontally; the others tell the curves apart."""
    frame = study_summary(tables, study)
    axes = [str(column) for column in frame if str(column).startswith("axis_")]
    if frame.empty or not axes:
        return None
    # Ties go by name, so that a figure does not depend on the order in a file.
    horizontal = max(axes, key=lambda axis: (_positive(frame[axis]).nunique(), axis))
    frame = frame.assign(x=_positive(frame[horizontal]))
    others = [axis for axis in axes if axis != horizontal and frame[axis].nunique() > 1]
    named = frame[others].mask(_like_baseline(tables, study, frame, others), "")
    frame = frame.assign(line=setting_names(named, others))
    label = horizontal.removeprefix("axis_").replace("_", " ")
    if frame["x"].nunique() < 2:
        return _named_settings(frame.assign(line=setting_names(frame, axes)))
    if frame.groupby("line")["x"].nunique().max() < 2:
        # Points that nothing joins: what stands at them needs the room.
        places = [f"{label} {significant(x)}" for x in frame["x"]]
        return _named_settings(frame.assign(line=_pairs(places, frame["line"])))
    frame = frame.dropna(subset=["x"])
    lines = curves.by_group(frame, "line", "epochs_to_target", x="x")
    if not any_drawn(lines):
        return None
    return _along(frame, lines, label)


def _pairs(places: Sequence[str], names: Iterable[str]) -> list[str]:
    return [", ".join(pair) for pair in zip(places, names, strict=True)]


def _like_baseline(
    tables: Tables, study: str, frame: pd.DataFrame, axes: list[str]
) -> pd.DataFrame:
    """Which values go without saying: those of the baseline, where a name would be a list."""
    settings = tables.frame("settings")
    chosen = settings.loc[
        (settings["study"] == study) & settings["baseline"].astype(bool), "variant"
    ]
    usual = frame.loc[frame["variant"].isin(chosen), axes]
    if len(axes) < FEW or usual.empty:
        return pd.DataFrame(False, index=frame.index, columns=axes)
    return frame[axes] == usual.iloc[0]


def _named_settings(frame: pd.DataFrame) -> Drawn | None:
    """Settings that no line joins: one interval a setting, its name above it, the best on top."""
    if not measured(frame, "epochs_to_target"):
        return None
    frame = frame.sort_values("epochs_to_target").reset_index(drop=True)
    figure, (axes,) = style.panels((10 + ROW * len(frame),), left=10, right=20, top=12)
    rows = curves.points(frame.assign(place=range(len(frame))), "epochs_to_target", x="place")
    curves.draw_rows(axes, rows.drop(columns="x"), frame["line"].tolist(), "epochs to target")
    for place, (name, value) in enumerate(zip(frame["line"], rows["y"], strict=True)):
        _write_row(axes, place, name, missed=not np.isfinite(value))
    axes.set_xlim(left=0)
    style.plain_axis(axes, "epochs to target")
    style.names_axis(axes, [""] * len(frame))
    return Drawn(
        figure=figure,
        title=_fewest(frame.dropna(subset=["epochs_to_target"])),
        alt=say("Intervals of epochs to target, one for each setting."),
        numbers=numbers(frame, COLUMNS),
        notes=target_notes(frame),
    )


def _write_row(axes: Axes, place: int, name: str, *, missed: bool) -> None:
    """The setting's name above its interval, and whether it has none."""
    said = [(0.0, "left", name, 1.0)] + [(1.0, "right", "not reached", 0.75)] * missed
    for x, side, text, alpha in said:
        axes.annotate(
            text,
            (x, place - 0.38),
            xycoords=axes.get_yaxis_transform(),
            ha=side,
            va="center",
            alpha=alpha,
        )


def _fewest(reached: pd.DataFrame) -> Message:
    """The best setting, and how many others its interval does not tell from it."""
    best = reached.iloc[0]
    # Intervals that overlap, the best's with itself not counted; a missing end overlaps.
    tied = int((~(best["epochs_to_target_high"] < reached["epochs_to_target_low"])).sum()) - 1
    others = len(reached) - 1
    return say(
        "Fewest epochs: {epochs} with {line}, not told apart from any other"
        if tied and tied == others
        else "Fewest epochs: {epochs} with {line}, not told apart from {n} of {others} others"
        if tied
        else "Fewest epochs: {epochs} with {line}",
        epochs=significant(best["epochs_to_target"]),
        line=listed(best["line"].split(", ")),
        n=tied,
        others=others,
    )


def _along(frame: pd.DataFrame, lines: list[Curve], label: str) -> Drawn:
    figure, (axes,) = style.panels(right=150)
    style.log_values_axis(axes, frame["x"], label)
    style.log_axis(axes, curves.values(lines), "epochs to target")
    curves.draw(axes, lines, named=len(lines) > 1)
    best, point = curves.finite_extreme(lines)
    title = say(
        "By medians the fewest epochs, {epochs}, are needed at {axis} {x} ({line})"
        if len(lines) > 1
        else "By medians the fewest epochs, {epochs}, are needed at {axis} {x}",
        epochs=significant(point["y"]),
        axis=Message(label),
        x=significant(point["x"]),
        line=listed(best.name.split(", ")),
    )
    return Drawn(
        figure=figure,
        title=title,
        alt=say("Line chart of epochs to target over {axis}.", axis=Message(label)),
        numbers=numbers(frame, {"line": "setting", "x": label} | COLUMNS),
        notes=target_notes(frame),
        series=curves.series(lines),
    )


def _positive(values: pd.Series) -> pd.Series:
    numeric = pd.to_numeric(values, errors="coerce")
    # The axis is a logarithm's.
    return numeric.where(numeric > 0)


def setting_names(frame: pd.DataFrame, axes: list[str]) -> pd.Series:
    """Each row's values of the axes in words."""
    if not axes:
        return pd.Series("all", index=frame.index)
    return frame[axes].apply(_line_name, axis=1)


def _line_name(settings: pd.Series) -> str:
    """Settings in words, "momentum 0.9, Nesterov": what is switched off needs none."""
    parts = [_setting(str(axis).removeprefix("axis_"), value) for axis, value in settings.items()]
    if not any(str(value) for value in settings):
        return "baseline"
    return ", ".join(part for part in parts if part) or "as usual"


def _setting(axis: str, value: object) -> str:
    word = str(selection.SETTINGS.get(axis, axis.replace("_", " ")))
    if not str(value) or selection.is_off(axis, value):
        return ""
    if axis == "learning_rate_rule" and value in ("sqrt", "linear"):
        return str(selection.POLICIES[str(value)])
    if str(value) in ("True", "False"):
        return word if str(value) == "True" else ""
    if str(value) == "null":
        return f"{word} null"
    number = pd.to_numeric(str(value), errors="coerce")
    return selection.name(str(value)) if pd.isna(number) else f"{word} {significant(float(number))}"
