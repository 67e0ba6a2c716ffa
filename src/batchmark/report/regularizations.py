"""The regularization study along the strength of each penalty."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.report import curves, palette, style
from batchmark.report.curves import Curve
from batchmark.report.selection import measured, study_summary
from batchmark.report.tables import Tables

PENALTIES = {"weight_decay": "weight decay", "l1": "L1", "l2": "L2", "dropout": "dropout"}


def regularized(tables: Tables, value: str, train_size: str) -> pd.DataFrame:
    """Rows with `penalty`, `strength` and `value` on the "smallest" or "largest" training set.

    Unregularized variants have the penalty "none" and strength 0.
    """
    frame = study_summary(tables, "regularization")
    if not measured(frame, value):
        return pd.DataFrame()
    sizes = frame["train_size"]
    frame = frame[sizes == (sizes.min() if train_size == "smallest" else sizes.max())]
    strengths = frame[list(PENALTIES)].fillna(0.0)
    active = strengths.gt(0)
    penalty = np.where(active.any(axis=1), strengths.idxmax(axis=1).map(PENALTIES), "none")
    return frame[active.sum(axis=1) <= 1].assign(
        penalty=penalty[active.sum(axis=1) <= 1], strength=strengths.max(axis=1)
    )


def penalty_curves(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve a penalty over its strength."""
    kept = frame[frame["penalty"] != "none"]
    return curves.by_group(kept, "penalty", value, x="strength")


def draw_panel(
    axes: style.Axes, lines: Sequence[Curve], plain: pd.Series, measure: str, *, x_label: str
) -> None:
    """Curves over strength on a log axis, the unregularized network as a reference line."""
    strengths = sorted({x for line in lines for x in line.points["x"]})
    style.decades_axis(axes, strengths, x_label)
    found = [*curves.values(lines), *plain.dropna()]
    axes.set_ylim(min(0, *found), 1.12 * max(found))
    style.value_axis(axes, measure)
    curves.draw(axes, lines, named=False, missing="")
    ends = [curves.end(line) for line in lines if not line.drawn.empty]
    if not plain.dropna().empty:
        level = float(plain.median())
        axes.axhline(level, color=palette.INK, alpha=0.5, linewidth=0.9, dashes=(4, 3))
        ends.append(style.EndLabel(strengths[-1], level, "none", palette.INK))
    style.label_ends(axes, ends)
