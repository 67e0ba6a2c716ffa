"""The general figure of a study that no figure was made for: epochs to target along its axes."""

import pandas as pd

from batchmark.report import selection
from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import Curve, any_drawn, numbers, target_notes
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, listed, say, significant
from batchmark.report.selection import Tables, measured, study_summary

# So many values make a name that is too long beside a line.
FEW = 3
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
    if _positive(frame[horizontal]).nunique() < 2:
        # One numeric value makes no line.
        return _named_settings(frame.assign(line=setting_names(frame, axes)))
    frame = frame.assign(x=_positive(frame[horizontal]))
    others = [axis for axis in axes if axis != horizontal and frame[axis].nunique() > 1]
    named = frame[others].mask(_like_baseline(tables, study, frame, others), "")
    frame = frame.assign(line=setting_names(named, others)).dropna(subset=["x"])
    lines = curves.by_group(frame, "line", "epochs_to_target", x="x")
    if not any_drawn(lines):
        return None
    return _along(frame, lines, horizontal.removeprefix("axis_").replace("_", " "))


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
    """Settings without a numeric axis: one interval a setting, fewest epochs on top."""
    if not measured(frame, "epochs_to_target"):
        return None
    frame = frame.sort_values("epochs_to_target").reset_index(drop=True)
    figure, (axes,) = style.panels((30 + 30 * len(frame),), left=170, right=24)
    reached = frame.dropna(subset=["epochs_to_target"])
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    axes.hlines(
        reached.index, reached["epochs_to_target_low"], reached["epochs_to_target_high"],
        color=style.BLUE,
    )  # fmt: skip
    axes.plot(reached["epochs_to_target"], reached.index, "o", color=style.BLUE)
    for row in frame.index.difference(reached.index):
        axes.annotate(
            "not reached", (1, row), xycoords=axes.get_yaxis_transform(), ha="right", va="center"
        )
    axes.set_ylim(len(frame) - 0.5, -0.5)
    style.plain_axis(axes, "epochs to target")
    style.names_axis(axes, frame["line"].tolist())
    return Drawn(
        figure=figure,
        title=_fewest(reached),
        alt=say("Intervals of epochs to target, one for each setting."),
        numbers=numbers(frame, COLUMNS),
        notes=target_notes(frame),
    )


def _fewest(reached: pd.DataFrame) -> Message:
    """The best setting, and how many others its interval does not tell from it."""
    best = reached.iloc[0]
    # Intervals that overlap, the best's with itself not counted; a missing end overlaps.
    tied = int((~(best["epochs_to_target_high"] < reached["epochs_to_target_low"])).sum()) - 1
    return say(
        "Fewest epochs: {epochs} with {line}, not to be told from {n} of the other settings"
        if tied
        else "Fewest epochs: {epochs} with {line}",
        epochs=significant(best["epochs_to_target"], 2),
        line=listed(best["line"].split(", ")),
        n=tied,
    )


def _along(frame: pd.DataFrame, lines: list[Curve], label: str) -> Drawn:
    figure, (axes,) = style.panels(right=150)
    style.log_values_axis(axes, frame["x"], label)
    style.log_axis(axes, curves.values(lines), "epochs to target")
    curves.draw(axes, lines, named=len(lines) > 1)
    best, point = curves.finite_extreme(lines)
    title = say(
        "By medians fewest epochs, {epochs}, at {axis} {x} ({line})"
        if len(lines) > 1
        else "By medians fewest epochs, {epochs}, at {axis} {x}",
        epochs=significant(point["y"], 2),
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
    return ", ".join(part for part in parts if part) or "none"


def _setting(axis: str, value: object) -> str:
    word = selection.name(axis).replace("_", " ")
    if not str(value):
        return ""
    if str(value) in ("True", "False"):
        return word if str(value) == "True" else ""
    if str(value) == "null":
        return f"{word} null"
    number = pd.to_numeric(str(value), errors="coerce")
    return selection.name(str(value)) if pd.isna(number) else f"{word} {significant(float(number))}"
