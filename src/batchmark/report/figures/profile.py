"""Performance profile: how often each optimizer is within a factor of the fastest."""

import math
import re
from collections import Counter

import pandas as pd

from batchmark.report import names, palette, style
from batchmark.report.comparison import numbers
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import whole
from batchmark.report.phrases import listed
from batchmark.report.selection import at_home, measured
from batchmark.report.tables import Tables

COLUMNS = {
    "label": "optimizer",
    "tau": "factor",
    "share": "share of batch sizes",
    "workloads": "batch sizes",
}

TICKS = (
    [1, 1.1, 1.2, 1.3, 1.4, 1.5],
    [1, 1.2, 1.5, 2, 3, 5],
    [1, 2, 3, 5, 10, 20, 50, 100, math.inf],
)


def draw(tables: Tables) -> Drawn | None:
    """One step curve a way of training (Dolan & Moré 2002)."""
    frame = at_home(tables, "profile")
    if not measured(frame, "share"):
        return None
    frame = frame[(frame["study"] == "optimizer") & (frame["workloads"] > 1)]
    if frame.empty:
        return None
    frame = frame.assign(label=frame["solver"].map(_labels(frame["solver"])))
    figure, (axes,) = style.panels((320,), right=112)
    _draw(axes, frame)
    return Drawn(
        figure,
        _title(frame),
        _alt(),
        numbers(_steps(frame), COLUMNS),
        [
            say(
                "Workloads: the {n} batch sizes of the study, by medians. Higher and further left "
                "is better.",
                n=whole(frame["workloads"].max()),
            )
        ],
        {_series(label): names.name(_series(label)) for label in frame["label"]},
    )


def _draw(axes: style.Axes, frame: pd.DataFrame) -> None:
    style.decades_axis(axes, frame["tau"], "time, as a multiple of the fastest")
    axes.set_xlim(1, frame["tau"].max())
    ticks = next(ticks for ticks in TICKS if frame["tau"].max() <= ticks[-1])
    style.ticks_axis(axes, ticks, "time, as a multiple of the fastest")
    axes.set_ylim(-2, 103)
    ends: list[style.EndLabel] = []
    for k, (label, rows) in enumerate(_worst_first(frame)):
        series = _series(label)
        color, dashed = palette.hue(series, k), ", " in label
        axes.step(
            rows["tau"],
            100 * rows["share"],
            where="post",
            color=color,
            linewidth=1.6,
            linestyle=(0, (3, 2)) if dashed else "-",
            gid=style.gid(series),
        )
        last = rows.iloc[-1]
        ends.append(
            style.EndLabel(last["tau"], 100 * last["share"], _written(label), color, series)
        )
    style.value_axis(axes, "batch sizes reached within it (%)")
    style.label_ends(axes, ends)


def _worst_first(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The curves by the area under them, so that names at equal heights stand in their order."""
    parts = [(str(label), rows) for label, rows in frame.groupby("label", sort=False)]
    return sorted(parts, key=lambda part: part[1]["share"].mean())


def _labels(solvers: pd.Series) -> dict[str, str]:
    """Readers' names of solvers written `optimizer=adam, learning_rate=tuned …`.

    The rate is part of a name when one optimizer ran at several configured ones.
    """
    settings = {one: dict(re.findall(r"(\w+)=([^,]+)", str(one))) for one in solvers.unique()}
    found = {one: (_name(given), given.get("learning_rate", "")) for one, given in settings.items()}
    rates = Counter(name for name, rate in found.values() if rate != "tuned")
    return {
        one: f"{name}, {rate}" if rate == "tuned" or rates[name] > 1 else name
        for one, (name, rate) in found.items()
    }


def _name(settings: dict[str, str]) -> str:
    if float(settings.get("momentum", 0)) > 0:
        return "nesterov" if settings.get("nesterov") == "True" else "momentum"
    return settings.get("optimizer", "sgd")


def _series(label: str) -> str:
    return label.split(", ", maxsplit=1)[0]


def _steps(frame: pd.DataFrame) -> pd.DataFrame:
    """Only the rows where a curve changes, under readers' names."""
    changed = frame.groupby("label")["share"].diff().fillna(1) != 0
    return frame[changed].assign(label=frame["label"].map(_written))


def _written(label: str) -> str:
    return ", ".join(names.name(part) for part in label.split(", "))


def _title(frame: pd.DataFrame) -> Message | None:
    """Who is fastest most often, by medians; several where they tie."""
    at_one = frame[frame["tau"] == frame["tau"].min()]
    best = at_one[at_one["share"] == at_one["share"].max()]
    if best.empty or not best["share"].max():
        return None
    sizes = best["workloads"].max()
    return say(
        "{name} is fastest on {n} of {all} batch sizes"
        if len(best) == 1
        else "Fastest on {n} of {all} batch sizes each: {name}",
        name=listed([names.name(_series(label)) for label in best["label"]]),
        n=whole(best["share"].max() * sizes),
        all=whole(sizes),
    )


def _alt() -> Message:
    return say(
        "Step chart: the share of batch sizes on which each optimizer is within a factor "
        "of the fastest."
    )
