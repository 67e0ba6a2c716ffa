"""The share of tiny weights over the strength of each penalty."""

import pandas as pd

from batchmark.report import curves, style
from batchmark.report.comparison import numbers, trials_note
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant
from batchmark.report.regularizations import draw_panel, penalty_curves, regularized
from batchmark.report.tables import Tables

COLUMNS = {
    "penalty": "penalty",
    "strength": "strength",
    "trials": "trials",
    "share": "weights below 0.001 (%)",
}


def draw(tables: Tables) -> Drawn | None:
    """On the smallest training set, where every study has all its penalties."""
    frame = regularized(tables, "small_weight_share", "smallest")
    if frame.empty:
        return None
    frame = frame.assign(share=100 * frame["small_weight_share"])
    lines = penalty_curves(frame, "share")
    figure, (axes,) = style.panels(right=100)
    plain = frame.loc[frame["penalty"] == "none", "share"]
    draw_panel(axes, lines, plain, "weights below 0.001 (%)", x_label="strength")
    return Drawn(
        figure,
        _title(frame),
        _alt(),
        numbers(frame, COLUMNS),
        [
            trials_note(frame, bands=False),
            say("A weight counts as zero when its size is below 0.001."),
        ],
        curves.series(lines),
    )


def _title(frame: pd.DataFrame) -> Message | None:
    most = frame.groupby("penalty")["share"].max()
    if not {"L1", "L2"} <= set(most.index):
        return None
    return say(
        "L1 brings up to {l1} % of the weights to zero, L2 up to {l2} %",
        l1=significant(most["L1"], 2),
        l2=significant(most["L2"], 2),
    )


def _alt() -> Message:
    return say("Line chart of the share of weights below 0.001 over the strength of each penalty.")
