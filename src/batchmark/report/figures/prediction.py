"""The fastest batch size as noise scale and clock predicted it, beside what was measured."""

import numpy as np
import pandas as pd

from batchmark.report.drawing import curves
from batchmark.report.drawing.curves import numbers
from batchmark.report.drawing.svg import Drawn
from batchmark.report.figures.headline import Model, measured_and_modelled
from batchmark.report.language.messages import Message, bracketed, say, significant, whole
from batchmark.report.selection import Tables, at_home, headline_rows, headline_study, measured

TIME = "relative_time"


def prediction(tables: Tables) -> Drawn | None:
    """Measured time to target over the least (marks) and the predicted one (line).

    Shaded: the interval of the predicted best batch size.
    """
    row, frame = _predicted(tables), headline_rows(tables)
    if row is None or not measured(frame, "time_to_target"):
        return None
    sizes = frame["batch_size"].to_numpy(float)
    frame = frame.assign(**_relative(frame), predicted=predicted_cost(row, sizes))
    low, high = row["predicted_batch_size_low"], row["predicted_batch_size_high"]
    model = Model(lambda at: predicted_cost(row, at), low, high, say("predicted"))
    measures = curves.of_optimizer(frame, TIME, "measured")
    columns = {
        "batch_size": "batch size",
        TIME: "measured, over the least",
        f"{TIME}_low": "measured, low",
        f"{TIME}_high": "measured, high",
        "predicted": "predicted, over the least",
    }
    return Drawn(
        figure=measured_and_modelled(frame, model, measures, "time to target over the least"),
        title=beside(row),
        alt=say("Measured and predicted time to target over batch size, each over its least."),
        numbers=numbers(frame, columns),
        notes=[_formula(row), say("Shaded: 95 % interval of the predicted size.")],
        series=curves.series([curves.of_optimizer(frame, TIME)]),
    )


def beside(row: pd.Series) -> Message:
    """Prediction beside measurement."""
    return say(
        "Predicted batch size {predicted}{interval}, measured {best}",
        predicted=whole(row["predicted_batch_size"]),
        interval=bracketed(row["predicted_batch_size_low"], row["predicted_batch_size_high"]),
        best=whole(row["best_batch_size"]),
    )


def _predicted(tables: Tables) -> pd.Series | None:
    """The prediction for the answer's family."""
    rows = at_home(tables, "predictions")
    answer = tables.document("answer")
    if not measured(rows, "best_batch_size"):
        return None
    own = (rows["study"] == headline_study(tables)) & (rows["target"] == answer.get("target"))
    rows = rows[own & (rows["family"].fillna("") == answer.get("family"))]
    return None if rows.empty else rows.iloc[0]


def predicted_cost(row: pd.Series, sizes: np.ndarray) -> np.ndarray:
    """Time to target over the least: (1 + B / B_crit) (1 + o / (c B)) over its minimum."""
    step = row["o"] / row["c"]
    times = (1 + sizes / row["b_crit"]) * (1 + step / sizes)
    return times / (1 + np.sqrt(step / row["b_crit"])) ** 2


def _relative(frame: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    least = frame["time_to_target"].min()
    known = [end for end in ("", "_low", "_high") if f"time_to_target{end}" in frame]
    return {f"{TIME}{end}": frame[f"time_to_target{end}"] / least for end in known}


def _formula(row: pd.Series) -> Message:
    return say(
        "Line: (1 + B/B_crit) (1 + o/(c·B)) over its least; B_crit is {factor}{interval} times the "
        "noise scale of {scale} examples, as earlier studies have it. No time to a target of "
        "this run went into it.",
        factor=significant(row["factor"], 2),
        interval=bracketed(row["factor_low"], row["factor_high"]),
        scale=whole(row["noise_scale"]),
    )
