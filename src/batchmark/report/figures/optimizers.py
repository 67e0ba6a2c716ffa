"""The rule that moves the weights: optimizers, momentum, and how the rate follows the batch."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from batchmark.report import selection
from batchmark.report.drawing import curves, style
from batchmark.report.drawing.curves import (
    EPOCHS,
    TIME,
    Comparison,
    Curve,
    Quantity,
    fastest,
    fewest,
    numbers,
    target_notes,
    trials_note,
)
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import Message, listed, say, significant, whole
from batchmark.report.selection import (
    Tables,
    at_home,
    measured,
    optimizer_key,
    optimizer_keys,
    study_summary,
)

RULE = "axis_learning_rate_rule"
# The momentum that the optimizer figures show.
USUAL = 0.9
BEST_ERROR = Quantity("best_validation_error", "best validation error (%)", "no result")
FACTORS = (
    [1, 1.1, 1.2, 1.3, 1.4, 1.5],
    [1, 1.2, 1.5, 2, 3, 5],
    [1, 2, 3, 5, 10, 20, 50, 100, math.inf],
)
"""Ticks of a performance profile: those of the first row that reaches to its end."""
# A profile of fewer is a table in disguise.
FEWEST_WORKLOADS = 6


def optimizer(tables: Tables) -> Drawn | None:
    """Epochs to target for every optimizer, at its default and its tuned rate."""
    return Comparison(
        group=_optimizers_and_rates,
        quantity=EPOCHS,
        columns={"name": "optimizer", "learning_rate": "learning rate"} | EPOCHS.columns,
        title=fewest,
        notes=_notes_on_rates,
        right=112,
    ).draw(_optimizer_rows(tables))


def optimizer_time(tables: Tables) -> Drawn | None:
    """Time to target for every optimizer: its epochs multiplied by what an epoch costs with it."""
    return Comparison(
        group=_optimizers_and_rates,
        quantity=TIME,
        columns={"name": "optimizer", "learning_rate": "learning rate"} | TIME.columns,
        title=fastest,
        notes=_notes_on_rates,
        right=112,
    ).draw(_optimizer_rows(tables))


def _optimizer_rows(tables: Tables) -> pd.DataFrame:
    """The study's rows with `name` (the optimizer) and `setting` (how its rate was set).

    `setting` is empty where an optimizer has one rate, else that rate or "tuned".
    """
    frame = study_summary(tables, "optimizer")
    if frame.empty:
        return frame
    frame = frame.assign(name=optimizer_keys(frame))
    tuned = frame["tuned"].astype(bool)
    configured = frame["learning_rate"].where(~tuned)
    # A rate in the legend tells curves apart only where an optimizer has more than one.
    several = configured.fillna(0.0).groupby(frame["name"]).transform("nunique") > 1
    rates = configured.map(significant, na_action="ignore").where(several, "")
    return frame.assign(setting=rates.where(~tuned, "tuned"))


def _optimizers_and_rates(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve for each optimizer and way of setting its rate; dashed: the second way."""
    lines: list[Curve] = []
    for k, name in enumerate(dict.fromkeys(frame["name"].astype(str))):
        rows = frame[frame["name"] == name]
        for order, setting in enumerate(sorted(rows["setting"].unique())):
            line = Curve(
                name=name,
                color=style.hue(name, k),
                marker=style.marker(name, k),
                points=curves.points(rows[rows["setting"] == setting], value),
                label=", ".join(part for part in (selection.name(name), setting) if part),
                dashed=order > 0,
            )
            lines.append(line)
    return lines


def _notes_on_rates(frame: pd.DataFrame) -> list[Message]:
    several = (frame.groupby("name")["setting"].nunique() > 1).any()
    dashed = say("Dashed: the same optimizer at another learning rate.")
    return [*target_notes(frame), *([dashed] if several else [])]


def profile(tables: Tables) -> Drawn | None:
    """How often each optimizer is within a factor of the fastest (Dolan & Moré 2002)."""
    frame = at_home(tables, "profile")
    if not measured(frame, "share"):
        return None
    frame = frame[(frame["study"] == "optimizer") & (frame["workloads"] >= FEWEST_WORKLOADS)]
    if frame.empty:
        return None
    frame = frame.assign(label=frame["solver"].map(_solver_labels(frame["solver"])))
    columns = {
        "label": "optimizer",
        "tau": "factor",
        "share": "share of batch sizes",
        "workloads": "batch sizes",
    }
    # A step function is told by its steps.
    changes = frame[frame.groupby("label")["share"].diff().fillna(1) != 0]
    note = say(
        "Workloads: the {n} batch sizes of the study, by medians. Higher and further left is "
        "better.",
        n=whole(frame["workloads"].max()),
    )
    alt = say(
        "Step chart: the share of batch sizes on which each optimizer is within a factor "
        "of the fastest."
    )
    return Drawn(
        figure=_profiles(frame),
        title=_most_often_fastest(frame),
        alt=alt,
        numbers=numbers(changes.assign(label=changes["label"].map(_read_label)), columns),
        notes=[note],
        series={_series(label): selection.name(_series(label)) for label in frame["label"]},
    )


def _profiles(frame: pd.DataFrame) -> style.Figure:
    figure, (axes,) = style.panels(right=112)
    axis = "time, as a multiple of the fastest"
    style.decades_axis(axes, frame["tau"], axis)
    axes.set_xlim(1, frame["tau"].max())
    ticks = next(ticks for ticks in FACTORS if frame["tau"].max() <= ticks[-1])
    style.ticks_axis(axes, ticks, axis)
    axes.set_ylim(-2, 103)
    ends: list[style.EndLabel] = []
    # By the area under them, so that names at equal heights stand in their order.
    parts = [(str(label), rows) for label, rows in frame.groupby("label", sort=False)]
    parts.sort(key=lambda part: part[1]["share"].mean())
    for k, (label, rows) in enumerate(parts):
        series = _series(label)
        color = style.hue(series, k)
        axes.step(
            rows["tau"],
            100 * rows["share"],
            where="post",
            color=color,
            linewidth=1.6,
            linestyle=(0, (3, 2)) if ", " in label else "-",
            gid=style.gid(series),
        )
        last = rows.iloc[-1]
        ends.append(
            style.EndLabel(last["tau"], 100 * last["share"], _read_label(label), color, series)
        )
    style.value_axis(axes, "batch sizes reached within it (%)")
    style.label_ends(axes, ends)
    return figure


def _solver_labels(solvers: pd.Series) -> dict[str, str]:
    """ "adam" or "adam, tuned" for solvers written `optimizer=adam, learning_rate=tuned …`.

    The rate is part of a label when one optimizer ran at several configured ones.
    """
    settings = {text: dict(re.findall(r"(\w+)=([^,]+)", text)) for text in solvers.unique()}
    identities = {
        text: (_identity(chosen), chosen.get("learning_rate", ""))
        for text, chosen in settings.items()
    }
    # A tuned rate is not counted: it has a word of its own.
    rates = Counter(name for name, rate in identities.values() if rate != "tuned")
    return {
        text: f"{name}, {rate}" if rate == "tuned" or rates[name] > 1 else name
        for text, (name, rate) in identities.items()
    }


def _identity(settings: dict[str, str]) -> str:
    return optimizer_key(
        settings.get("optimizer", "sgd"),
        float(settings.get("momentum", 0)),
        settings.get("nesterov") == "True",
    )


def _series(label: str) -> str:
    return label.split(", ", maxsplit=1)[0]


def _read_label(label: str) -> str:
    return ", ".join(selection.name(part) for part in label.split(", "))


def _most_often_fastest(frame: pd.DataFrame) -> Message | None:
    """Who is fastest most often, by medians; several where they tie."""
    at_one = frame[frame["tau"] == frame["tau"].min()]
    best = at_one[at_one["share"] == at_one["share"].max()]
    if best.empty or not best["share"].max():
        return None
    sizes = best["workloads"].max()
    return say(
        "By medians, {name} is fastest on all {all} batch sizes"
        if len(best) == 1 and best["share"].max() == 1
        else "By medians, {name} is fastest on {n} of {all} batch sizes"
        if len(best) == 1
        else "By medians, fastest on {n} of {all} batch sizes each: {name}",
        name=listed([selection.name(_series(label)) for label in best["label"]]),
        n=whole(best["share"].max() * sizes),
        all=whole(sizes),
    )


def rprop(tables: Tables) -> Drawn | None:
    """Best validation error of every optimizer, from mini-batches to the full batch (right)."""
    frame = study_summary(tables, "rprop")
    if not measured(frame, BEST_ERROR.column):
        return None
    percents = 100 * frame[BEST_ERROR.column]
    frame = frame.assign(**{"name": optimizer_keys(frame), BEST_ERROR.column: percents})
    columns = {
        "name": "optimizer",
        "batch_size": "batch size",
        "trials": "trials",
        "status": "status",
        BEST_ERROR.column: BEST_ERROR.label,
        "best_epoch": "best epoch",
    }
    return Comparison(
        group=curves.by_optimizer,
        quantity=BEST_ERROR,
        columns=columns,
        title=_full_and_mini,
        notes=lambda frame: [trials_note(frame, bars=False)],
    ).draw(frame)


def _full_and_mini(lines: Sequence[Curve]) -> Message | None:
    line = next((line for line in lines if line.name == "rprop"), None)
    if line is None or len(line.drawn) < 2:
        return None
    return say(
        "Rprop ends at {full} % error on the full batch and at {mini} % on mini-batches",
        full=significant(line.drawn["y"].iloc[-1]),
        mini=significant(line.drawn["y"].iloc[0]),
    )


def momentum(tables: Tables) -> Drawn | None:
    """Epochs to target for every momentum; dashed: Nesterov."""
    return Comparison(
        group=_momenta,
        quantity=EPOCHS,
        columns={"momentum": "momentum", "nesterov": "Nesterov"} | EPOCHS.columns,
        title=fewest,
        right=112,
    ).draw(study_summary(tables, "momentum"))


def _momenta(frame: pd.DataFrame, value: str) -> list[Curve]:
    """By rising momentum, in the colours of the optimizer figures where they show the same."""
    nesterov = frame["nesterov"].astype(bool)
    levels = sorted(frame["momentum"].unique())
    lines: list[Curve] = []
    for position, (level, kind) in enumerate(itertools.product(levels, (False, True))):
        rows = frame[(frame["momentum"] == level) & (nesterov == kind)]
        if not rows.empty:
            lines.append(_momentum(rows, value, position))
    return lines


def _momentum(rows: pd.DataFrame, value: str, position: int) -> Curve:
    """The curve of rows that share a momentum; `position` chooses its colour."""
    level, nesterov = float(rows["momentum"].iloc[0]), bool(rows["nesterov"].iloc[0])
    kind = "Nesterov" if nesterov else "momentum"
    series = f"{kind.lower()}-{level:g}"
    # Plain SGD and the usual momentum are optimizers of their own in other figures.
    if level in (0, USUAL):
        series = optimizer_keys(rows).iloc[0]
    return Curve(
        name=series,
        color=style.hue(series, position),
        marker=style.marker(series, position),
        points=curves.points(rows, value),
        label=f"{kind} {significant(level)}" if level else "no momentum",
        dashed=nesterov,
    )


def learning_rate(tables: Tables) -> Drawn | None:
    """Epochs to target under each learning rate rule: fixed, square root, linear, tuned."""
    frame = study_summary(tables, "learning_rate")
    if frame.empty or RULE not in frame:
        return None
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "rule", value),
        quantity=EPOCHS,
        columns={"rule": "rule", "learning_rate": "learning rate"} | EPOCHS.columns,
        title=fewest,
    ).draw(frame.assign(rule=frame[RULE].where(~frame["tuned"].astype(bool), "tuned")))
