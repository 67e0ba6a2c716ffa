"""The optimizer study as curves: what the figures of that study share."""

from collections.abc import Sequence

import pandas as pd

from batchmark.report import curves, names, palette
from batchmark.report.curves import Curve
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant
from batchmark.report.selection import optimizer_names, study_summary
from batchmark.report.tables import Tables


def optimizer_summary(tables: Tables) -> pd.DataFrame:
    """The study's rows with `name` (readers' name) and `setting` (how the rate was set).

    `setting` is "tuned", or the rate where an optimizer has several configured ones, or empty.
    """
    frame = study_summary(tables, "optimizer")
    if frame.empty:
        return frame
    frame = frame.assign(name=optimizer_names(frame))
    tuned = frame["tuned"].astype(bool)
    configured = frame["learning_rate"].where(~tuned)
    several = configured.groupby(frame["name"]).transform("nunique") > 1
    rates = configured.map(significant, na_action="ignore").where(several, "")
    return frame.assign(setting=rates.where(~tuned, "tuned"))


def optimizer_curves(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve for each optimizer and way of setting its rate; dashed: the second way."""
    if frame.empty:
        return []
    found = list(dict.fromkeys(frame["name"].astype(str)))
    return [
        Curve(
            name,
            palette.hue(name, k),
            palette.marker(name, k),
            curves.points(rows[rows["setting"] == setting], value),
            ", ".join(part for part in (names.name(name), setting) if part),
            second > 0,
        )
        for k, name in enumerate(found)
        for rows in [frame[frame["name"] == name]]
        for second, setting in enumerate(sorted(rows["setting"].unique()))
    ]


def dashed_note(lines: Sequence[Curve]) -> list[Message]:
    """What a dashed line is, where there is one."""
    if not any(line.dashed for line in lines):
        return []
    return [say("Dashed: the same optimizer at another learning rate.")]
