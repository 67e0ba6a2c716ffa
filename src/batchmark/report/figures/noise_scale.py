"""The gradient noise scale: the batch size at which noise and signal are equal."""

import numpy as np
import pandas as pd

from batchmark.report import palette, style
from batchmark.report.comparison import numbers
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import interval, significant, whole
from batchmark.report.probes import MOMENTS, probe_rows
from batchmark.report.selection import measured
from batchmark.report.tables import Tables

COLUMNS = {
    "moment": "moment",
    "noise_scale": "noise scale (examples)",
    "noise_scale_low": "low",
    "noise_scale_high": "high",
}


def draw(tables: Tables) -> Drawn | None:
    """One interval a moment of training."""
    frame = probe_rows(tables, "noise_scale")
    if not measured(frame, "noise_scale"):
        return None
    frame = frame.set_index("moment").reindex([m for m in MOMENTS if m in set(frame["moment"])])
    frame = frame.reset_index()
    figure, (axes,) = style.panels((240,), right=24, left=58)
    style.steps_axis(axes, [MOMENTS[moment] for moment in frame["moment"]], "moment of training")
    bounds = frame[["noise_scale", "noise_scale_low", "noise_scale_high"]].to_numpy().ravel()
    style.log_axis(axes, bounds[~np.isnan(bounds)], "noise scale (examples)")
    _draw(axes, frame)
    return Drawn(
        figure,
        _title(frame),
        _alt(),
        numbers(frame, COLUMNS),
        [say("B = tr(Σ) / |G|², unbiased (McCandlish et al. 2018, A.1), with 95 % intervals.")],
    )


def _draw(axes: style.Axes, frame: pd.DataFrame) -> None:
    steps = range(len(frame))
    axes.set_xlim(-0.5, len(frame) - 0.5)
    axes.vlines(steps, frame["noise_scale_low"], frame["noise_scale_high"], color=palette.BLUE)
    axes.plot(steps, frame["noise_scale"], "o", color=palette.BLUE)
    for step, value in zip(steps, frame["noise_scale"], strict=True):
        axes.annotate(
            whole(value), (step, value), xytext=(8, 0), textcoords="offset points", va="center"
        )


def _title(frame: pd.DataFrame) -> Message:
    last = frame.iloc[-1]
    return say(
        "Noise and signal balance at about {scale} examples {moment} ({interval})",
        scale=significant(last["noise_scale"], 2),
        moment=Message(MOMENTS[last["moment"]]),
        interval=interval(last["noise_scale_low"], last["noise_scale_high"]),
    )


def _alt() -> Message:
    return say("Intervals of the gradient noise scale at three moments of training.")
