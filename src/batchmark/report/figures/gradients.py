"""Gradient probes at three moments of training: direction, noise, magnitudes, layers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from batchmark.report import selection
from batchmark.report.drawing import curves, style, tips
from batchmark.report.drawing.curves import Curve, numbers
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, interval, say, significant, whole
from batchmark.report.selection import Tables, at_home, measured
from batchmark.statistics.intervals import from_columns, within

MOMENTS = {"initial": "at the start", "first_epoch": "after 1 epoch", "final": "at the end"}
# From this cosine on a gradient is called nearly the full one.
ALIGNED = 0.95
# How many letters of layers' names fit under the axis.
ROOM_FOR_NAMES = 36


def gradient_cosine(tables: Tables) -> Drawn | None:
    """How close a mini-batch's gradient points to the full one; bars are 95 % intervals."""
    frame = _probe_rows(tables, "probes")
    if frame.empty:
        return None
    lines = [_moment(moment, curves.points(rows, "cosine")) for moment, rows in _by_moment(frame)]
    figure, (axes,) = style.panels(right=104)
    style.batch_axis(axes, frame["batch_size"])
    # Cosines begin at 0 unless some interval goes below; a margin keeps 1 off the edge.
    axes.set_ylim(min(0.0, float(frame["cosine_low"].min())), 1.02)
    style.value_axis(axes, "cosine to the full gradient")
    curves.draw(axes, lines, missing="")
    columns = {
        "moment": "moment",
        "batch_size": "batch size",
        "cosine": "cosine",
        "cosine_low": "low",
        "cosine_high": "high",
    }
    return Drawn(
        figure=figure,
        title=_aligned(lines[-1]),
        alt=say("Line chart of the cosine between mini-batch and full gradient over batch size."),
        numbers=numbers(frame, columns),
        notes=[say("Mean over draws and seeds with 95 % intervals. 1: the same direction.")],
        series=curves.series(lines),
    )


def _aligned(line: Curve) -> Message | None:
    """At the last moment: from which size on a batch tells the whole gradient, if any does."""
    points = line.drawn
    aligned = points[points["low"] >= ALIGNED]
    # The smallest size that is aligned, or the largest probed where none is.
    first = (points if aligned.empty else aligned).iloc[-1 if aligned.empty else 0]
    return say(
        "{moment}, even batch size {size} has a cosine of only {cosine} to the full gradient; one "
        "image has {single}"
        if aligned.empty
        else "{moment}, batch size {size} is the smallest probed whose gradient is nearly the full "
        "one (cosine {cosine}); one image has {single}",
        moment=Message(_capital(line.label)),
        size=whole(first["x"]),
        cosine=significant(first["y"], 2),
        single=significant(points["y"].iloc[0], 2),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def noise_scale(tables: Tables) -> Drawn | None:
    """The batch size at which the gradient's noise and signal are equal, with its interval."""
    frame = _probe_rows(tables, "noise_scale")
    if not measured(frame, "noise_scale"):
        return None
    # In the order of training, whatever that of the table.
    frame = pd.concat([rows for _, rows in _by_moment(frame)], ignore_index=True)
    columns = {
        "moment": "moment",
        "noise_scale": "noise scale (examples)",
        "noise_scale_low": "low",
        "noise_scale_high": "high",
    }
    last = frame[frame["noise_scale"].notna()].iloc[-1]
    known = within(
        from_columns("noise_scale", {str(name): value for name, value in last.items()}), 0, np.inf
    )
    title = say(
        "Noise and signal balance at about {scale} examples {moment} ({interval})",
        scale=significant(last["noise_scale"], 2),
        moment=Message(MOMENTS[last["moment"]]),
        interval=interval(known.low, known.high),
    )
    figure, cut = _noise_scales(frame)
    notes = [
        say("B = tr(Σ) / |G|², unbiased (McCandlish et al. 2018, A.1), with 95 % intervals."),
        say("A bar that ends in an arrow goes on: down to zero or less, or up without end."),
    ]
    return Drawn(
        figure=figure,
        title=title,
        alt=say("Intervals of the gradient noise scale at three moments of training."),
        numbers=numbers(frame, columns),
        notes=notes if cut else notes[:1],
    )


def _noise_scales(frame: pd.DataFrame) -> tuple[style.Figure, bool]:
    """Points with their bars, and whether some bar goes on beyond the axis."""
    frame = frame.assign(place=range(len(frame)))
    figure, (axes,) = style.panels((240,), right=24, left=58)
    style.steps_axis(axes, [MOMENTS[moment] for moment in frame["moment"]], "moment of training")
    bounds = frame[["noise_scale", "noise_scale_low", "noise_scale_high"]].to_numpy().ravel()
    style.log_axis(axes, bounds[~np.isnan(bounds)], "noise scale (examples)")
    steps = range(len(frame))
    axes.set_xlim(-0.5, len(frame) - 0.5)
    cut = _draw_bars(axes, frame.dropna(subset="noise_scale_low"))
    points = curves.points(frame, "noise_scale", x="place").drop(columns="x")
    for step, moment in enumerate(frame["moment"]):
        value = points["y"][step]
        (mark,) = axes.plot(step, value, "o", color=style.BLUE, gid=style.gid(moment))
        tips.keep(mark, MOMENTS[moment], points.iloc[[step]])
    for step, value in zip(steps, frame["noise_scale"], strict=True):
        axes.annotate(
            whole(value), (step, value), xytext=(8, 0), textcoords="offset points", va="center"
        )
    return figure, cut


def _draw_bars(axes: Axes, frame: pd.DataFrame) -> bool:
    """Intervals up to the edges of a log axis, where arrows say that they go on; is there any?"""
    bottom, top = axes.get_ylim()
    low, high = frame["noise_scale_low"], frame["noise_scale_high"].fillna(np.inf)
    axes.vlines(frame["place"], low.clip(lower=bottom), high.clip(upper=top), color=style.BLUE)
    below, above = frame.loc[low <= 0, "place"], frame.loc[np.isinf(high), "place"]
    for places, edge, arrow in ((below, bottom, "v"), (above, top, "^")):
        axes.plot(places, [edge] * len(places), arrow, color=style.BLUE, clip_on=False)
    return bool(len(below) + len(above))


def gradient_magnitudes(tables: Tables) -> Drawn | None:
    """How widely gradients spread over single weights: quantiles of |dL/dw| at each moment."""
    frame = _probe_rows(tables, "magnitudes")
    if frame.empty:
        return None
    frame = frame.assign(quantile=pd.to_numeric(frame["quantile"]))
    frame = frame.groupby(["moment", "quantile"], as_index=False)[["magnitude"]].median()
    lines = [_moment(moment, _quantiles(rows)) for moment, rows in _by_moment(frame)]
    figure, (axes,) = style.panels(right=104, left=64)
    axes.set_xlim(0, 100)
    style.log_axis(axes, curves.values(lines), "size of a weight's gradient")
    curves.draw(axes, lines, missing="")
    style.plain_axis(axes, "weights with a smaller gradient (%)")
    columns = {"moment": "moment", "quantile": "share of weights below", "magnitude": "|gradient|"}
    return Drawn(
        figure=figure,
        title=_spread(lines[-1]),
        alt=say("Line chart of the quantiles of gradient magnitude over all weights."),
        numbers=numbers(frame, columns),
        notes=[say("Median over seeds, without interval: a spread over weights, not over trials.")],
        series=curves.series(lines),
    )


def _quantiles(rows: pd.DataFrame) -> pd.DataFrame:
    # A quantile of 0, as dead units have it, has no place on a log axis.
    points = rows.assign(x=100 * rows["quantile"], y=rows["magnitude"])
    return points[points["y"] > 0].assign(low=points["y"], high=points["y"])


def _spread(line: Curve) -> Message | None:
    rows = line.drawn.set_index("quantile")["y"]
    if not {0.1, 0.9} <= set(rows.index):
        return None
    ratio = float(rows[0.9] / rows[0.1])
    return say(
        "{moment}, gradients differ {times}-fold between the 10th and the 90th percentile",
        moment=Message(_capital(line.label)),
        times=whole(ratio) if ratio >= 10 else significant(ratio),
    )


def layer_norms(tables: Tables) -> Drawn | None:
    """The gradient's norm at the start, input to output, for every probed normalization."""
    frame = at_home(tables, "layer_norms")
    if frame.empty:
        return None
    # Before training, for afterwards the networks differ in more than normalization.
    frame = frame[frame["moment"] == "initial"]
    summary = at_home(tables, "summary").drop_duplicates("variant").set_index("variant")
    normalizations = frame["variant"].map(summary["normalization"]).fillna(frame["variant"])
    frame = frame.assign(normalization=normalizations)
    layers = list(dict.fromkeys(frame.sort_values("depth")["layer"]))
    rows = frame.groupby(["normalization", "layer"], as_index=False, sort=False)["norm"].median()
    rows = rows.assign(x=rows["layer"].map(layers.index), y=rows["norm"])
    lines = curves.by_group(rows, "normalization", "y", x="x")
    if len(lines) < 2:
        return None
    figure, (axes,) = style.panels(right=118, left=56)
    style.steps_axis(axes, _ticks(layers), "layer, input to output")
    style.log_axis(axes, curves.values(lines), "gradient norm")
    curves.draw(axes, lines, missing="")
    columns = {"normalization": "normalization", "layer": "layer", "norm": "gradient norm"}
    alt = say("Line chart of the gradient norm over the layers {layers}.", layers=", ".join(layers))
    return Drawn(
        figure=figure,
        title=_flow(lines),
        alt=alt,
        numbers=numbers(rows, columns),
        notes=[say("At initialization, median over seeds, without intervals: the claims test it.")],
        series=curves.series(lines),
    )


def _ticks(layers: list[str]) -> list[str]:
    """The layers' names where there is room for all of them, else their numbers."""
    if len(layers) * max(map(len, layers)) <= ROOM_FOR_NAMES:
        return layers
    return [str(k + 1) for k in range(len(layers))]


def _flow(lines: Sequence[Curve]) -> Message | None:
    """The last layer's norm over the first's, without normalization and with the steadiest."""
    ratios = {
        line.name: float(line.drawn["y"].iloc[-1] / line.drawn["y"].iloc[0])
        for line in lines
        if len(line.drawn) > 1
    }
    # A normalization of pixels alone leaves the layers as they are.
    others = {name: ratio for name, ratio in ratios.items() if name not in selection.OUTSIDE_LAYERS}
    if "none" not in ratios or not others:
        return None
    name = min(others, key=lambda name: others[name])
    return say(
        "The output layer's gradient is {plain} times the first layer's without normalization, "
        "{times} times with {name}",
        plain=significant(ratios["none"], 2),
        times=significant(others[name], 2),
        name=Message(selection.name(name)),
    )


def _probe_rows(tables: Tables, name: str) -> pd.DataFrame:
    """A table's rows of one probed variant: the first without normalization, else the first."""
    frame = at_home(tables, name)
    if frame.empty:
        return frame
    summary = at_home(tables, "summary")
    plain = set(summary.loc[summary["normalization"] == "none", "variant"]) if len(summary) else ()
    probed = list(dict.fromkeys(frame["variant"]))
    shown = next((variant for variant in probed if variant in plain), probed[0])
    return frame[frame["variant"] == shown]


def _by_moment(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each moment that was probed, in the order of training."""
    parts = [(moment, frame[frame["moment"] == moment]) for moment in MOMENTS]
    return [(moment, rows) for moment, rows in parts if not rows.empty]


def _moment(moment: str, points: pd.DataFrame) -> Curve:
    order = list(MOMENTS).index(moment)
    return Curve(
        name=moment,
        color=style.hue(moment, order),
        marker=style.marker(moment, order),
        points=points,
        label=MOMENTS[moment],
    )
