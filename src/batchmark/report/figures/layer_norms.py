"""The gradient's norm layer by layer, with and without normalization."""

from batchmark.report import curves, names, style
from batchmark.report.comparison import numbers
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant
from batchmark.report.probes import normalization_of
from batchmark.report.selection import at_home
from batchmark.report.tables import Tables

COLUMNS = {"normalization": "normalization", "layer": "layer", "norm": "gradient norm"}

# How many letters fit under the axis.
ROOM = 36


def draw(tables: Tables) -> Drawn | None:
    """At initialization, input to output, one curve a probed normalization."""
    frame = at_home(tables, "layer_norms")
    if frame.empty:
        return None
    frame = frame[frame["moment"] == "initial"]
    frame = frame.assign(normalization=normalization_of(tables, frame["variant"]))
    layers = list(dict.fromkeys(frame.sort_values("depth")["layer"]))
    rows = frame.groupby(["normalization", "layer"], as_index=False, sort=False)["norm"].median()
    rows = rows.assign(x=rows["layer"].map(layers.index), y=rows["norm"])
    lines = curves.by_group(rows, "normalization", "y", x="x")
    figure, (axes,) = style.panels(right=98, left=56)
    style.steps_axis(axes, _ticks(layers), "layer, input to output")
    style.log_axis(axes, curves.values(lines), "gradient norm")
    curves.draw(axes, lines, missing="")
    return Drawn(
        figure,
        _title(lines),
        _alt(layers),
        numbers(rows, COLUMNS),
        [say("At initialization, median over seeds.")],
        curves.series(lines),
    )


def _ticks(layers: list[str]) -> list[str]:
    """The layers' names where there is room for all of them, else their numbers."""
    if len(layers) * max(map(len, layers)) <= ROOM:
        return layers
    return [str(k + 1) for k in range(len(layers))]


def _title(lines: list[Curve]) -> Message | None:
    ratios = {
        line.name: float(line.drawn["y"].iloc[-1] / line.drawn["y"].iloc[0])
        for line in lines
        if len(line.drawn) > 1
    }
    others = {name: ratio for name, ratio in ratios.items() if name not in ("none", "input")}
    if "none" not in ratios or not others:
        return None
    name = min(others, key=lambda one: others[one])
    return say(
        "The output layer's gradient is {plain} times the first layer's without normalization, "
        "{times} times with {name}",
        plain=significant(ratios["none"], 2),
        times=significant(others[name], 2),
        name=Message(names.name(name)),
    )


def _alt(layers: list[str]) -> Message:
    return say(
        "Line chart of the gradient norm over the layers {layers}.", layers=", ".join(layers)
    )
