"""Curves over batch size with their intervals, and the figure that compares groups of them."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from batchmark.report import selection
from batchmark.report.drawing import style, tips
from batchmark.report.drawing.style import EndLabel
from batchmark.report.drawing.svg import Drawn
from batchmark.report.language.messages import (
    Message,
    enumerated,
    epochs,
    labelled,
    listed,
    percent,
    say,
    significant,
    times,
    whole,
)
from batchmark.report.selection import lowest, measured, optimizer_keys

# Statistics give no interval below this number of trials.
FEWEST_FOR_BAR = 3
# Names that a title has room for.
FEW = 3
# Bars may stretch the axes by this factor beyond the medians, on either side.
ROOM_FOR_BARS = 2.0
# Intervals of these come from rounds of timing, not from trials.
TIMED = {"seconds_per_epoch", "examples_per_second"}
# Of no trials either: of the clock's session as a whole.
ONCE = {"memory", "share_of_peak"}


@dataclass(frozen=True)
class Curve:
    """One series. `points` has the columns x, y, low, high; y is missing where there is none.

    And those of `MORE`, where they are known.
    """

    name: str
    color: str
    marker: str
    points: pd.DataFrame
    label: str = ""
    dashed: bool = False

    @property
    def drawn(self) -> pd.DataFrame:
        """The points that have a finite value."""
        return self.points[np.isfinite(self.points["y"].astype(float))]

    @property
    def missed(self) -> list[float]:
        """The positions without a finite value."""
        return self.points["x"][~np.isfinite(self.points["y"].astype(float))].tolist()


# Of a point: see `selection.study_summary`, and the epochs of the first test.
MORE = ("baseline", "told", "first", "trials", "reached")


def points(frame: pd.DataFrame, value: str, x: str = "batch_size") -> pd.DataFrame:
    """The columns of a summary as a curve's points, by x; no bounds from too few trials.

    What never trained has no point: it did not miss anything.
    """
    if "status" in frame:
        frame = frame[~frame["status"].isin(selection.NEVER_TRAINED)]
    # Without bounds the value stands for them: a bar without length is not drawn.
    bounds = (f"{value}_low", f"{value}_high") if f"{value}_low" in frame else (value, value)
    curve = pd.DataFrame(
        {"x": frame[x], "y": frame[value], "low": frame[bounds[0]], "high": frame[bounds[1]]}
    )
    if {"evaluate_every", "examples_per_epoch"} <= set(frame):
        curve["first"] = frame["evaluate_every"] / frame["examples_per_epoch"]
    # Trials do not make times of an epoch, nor memory.
    counts = {"trials", "reached"} if value not in TIMED | ONCE else set[str]()
    for column in {"baseline", "told", *counts} & set(frame):
        curve[column] = frame[column]
    if "trials" in frame and value not in TIMED:
        curve.loc[frame["trials"] < FEWEST_FOR_BAR, ["low", "high"]] = np.nan
    return curve.astype(float).sort_values("x").reset_index(drop=True)


def by_group(
    frame: pd.DataFrame,
    group: str,
    value: str,
    *,
    x: str = "batch_size",
) -> list[Curve]:
    """One curve for each value of the column `group`, in the order they are seen."""
    names = list(dict.fromkeys(frame[group].astype(str)))
    rows = {name: frame[frame[group].astype(str) == name] for name in names}
    return [
        Curve(
            name,
            style.hue(name, k),
            style.marker(name, k),
            points(rows[name], value, x),
            selection.name(name),
        )
        for k, name in enumerate(names)
        if not rows[name].empty
    ]


def by_optimizer(frame: pd.DataFrame, value: str) -> list[Curve]:
    """One curve for each optimizer; with momentum it is one of its own."""
    return by_group(frame.assign(name=optimizer_keys(frame)), "name", value)


def of_optimizer(frame: pd.DataFrame, value: str, label: str = "") -> Curve:
    """The curve of rows that share an optimizer, with the colour and the name it has everywhere."""
    curve = by_optimizer(frame, value)[0]
    return replace(curve, label=label or curve.label)


def by_level(
    frame: pd.DataFrame, column: str, value: str, written: Callable[[float], str]
) -> list[Curve]:
    """One curve for each number in `column`, from the darkest for the smallest to the lightest."""
    levels = sorted(frame[column].unique())
    return [
        Curve(
            f"{column}-{level:.10g}",
            color,
            style.marker("", k),
            points(frame[frame[column] == level], value),
            written(level),
        )
        for k, (level, color) in enumerate(zip(levels, style.ramp(len(levels)), strict=True))
    ]


def draw(
    axes: Axes, curves: Iterable[Curve], *, named: bool = True, missing: str = "not reached"
) -> None:
    """Draw curves on axes whose scales and limits are set."""
    curves = list(curves)
    drawn = _side_by_side(axes, [curve for curve in curves if not curve.drawn.empty])
    for curve in drawn:
        _draw_intervals(axes, curve)
    if drawn:
        _draw_lines(axes, drawn)
    misses = any(curve.missed for curve in curves) and bool(missing)
    if misses:
        style.rail(axes, missing)
        draw_misses(axes, curves)
    if named:
        style.label_ends(axes, map(end, drawn), under_rail=misses)


def values(curves: Iterable[Curve], bars: bool = True) -> list[float]:
    """All finite values, for the limits of a log axis, and the ends of intervals near them.

    Wide intervals would squeeze everything else: the axes cut them off.
    """
    curves = list(curves)
    middle = _finite(curves, ["y"])
    if not bars or not len(middle):
        return middle.tolist()
    # The limits follow the values; a bar may widen them by a factor, no more.
    room = (middle.min() / ROOM_FOR_BARS, middle.max() * ROOM_FOR_BARS)
    return [*middle, *np.clip(_finite(curves, ["low", "high"]), *room)]


def _finite(curves: Sequence[Curve], columns: list[str]) -> np.ndarray:
    found = [curve.drawn[columns].to_numpy(float).ravel() for curve in curves]
    flat = np.concatenate(found) if found else np.array([])
    return flat[np.isfinite(flat)]


def _side_by_side(axes: Axes, curves: Sequence[Curve]) -> list[Curve]:
    """The curves a little apart, so that equal values and their bars do not hide each other."""
    step = min(3.0, 12 / len(curves)) if curves else 0.0
    first = -step * (len(curves) - 1) / 2
    return [_shifted(axes, curve, first + k * step) for k, curve in enumerate(curves)]


def _shifted(axes: Axes, curve: Curve, units: float) -> Curve:
    places = np.column_stack([curve.points["x"], np.ones(len(curve.points))])
    moved = axes.transData.transform(places) + np.array([units, 0.0])
    return replace(
        curve,
        points=curve.points.assign(
            x=axes.transData.inverted().transform(moved)[:, 0], at=curve.points["x"]
        ),
    )


def _draw_intervals(axes: Axes, curve: Curve) -> None:
    """A bar a point; where it has no end, or one beyond the axes, it reaches to the edge."""
    bottom, top = axes.get_ylim()
    known = curve.drawn[curve.drawn["low"].notna()]
    low, high = known["low"].clip(lower=bottom), known["high"].fillna(top).clip(upper=top)
    wide = high > low
    if wide.any():
        axes.vlines(
            known["x"][wide],
            low[wide],
            high[wide],
            color=curve.color,
            alpha=0.5,
            linewidth=1.3,
            gid=style.gid(curve.name),
        )


def _draw_lines(axes: Axes, curves: Sequence[Curve]) -> None:
    """All lines in one call, which is several times faster than one call each."""
    # Told apart by position: two curves may share a name, a colour or a marker.
    numbers = range(len(curves))
    long = pd.concat([curve.drawn[["x", "y"]].assign(k=k) for k, curve in enumerate(curves)])
    before = len(axes.lines)
    dashes: list[Any] = [(3, 2) if curve.dashed else "" for curve in curves]
    sns.lineplot(
        x=long["x"].to_numpy(),
        y=long["y"].to_numpy(),
        hue=long["k"].to_numpy(),
        style=long["k"].to_numpy(),
        hue_order=numbers,
        style_order=numbers,
        palette=[curve.color for curve in curves],
        markers=[curve.marker for curve in curves],
        dashes=dashes,
        ax=axes,
        estimator=None,
        errorbar=None,
        legend=False,
        markeredgewidth=0,
        clip_on=False,
    )
    for line, curve in zip(axes.lines[before:], curves, strict=True):
        line.set_gid(style.gid(curve.name))
        # A curve drawn beside the others still stands for its own position.
        tips.keep(line, curve.label, curve.drawn.assign(x=curve.drawn.get("at", curve.drawn["x"])))


def draw_rows(axes: Axes, rows: pd.DataFrame, names: Sequence[str], measure: str) -> None:
    """One interval a row, the first on top: `rows` has the columns y, low, high and those of tips.

    A value that is missing was not reached. `measure`: the name of the horizontal axis.
    """
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    for place, (name, (_, row)) in enumerate(zip(names, rows.iterrows(), strict=True)):
        if np.isfinite(row["y"]):
            axes.hlines(place, row["low"], row["high"], color=style.BLUE, linewidth=2)
            (mark,) = axes.plot(row["y"], place, "o", color=style.BLUE, gid=style.gid("row"))
            tips.keep(mark, name, row.to_frame().T, measure)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def draw_misses(axes: Axes, curves: Sequence[Curve]) -> None:
    """Misses of several series at one position stand around it, closer the more there are."""
    counts = Counter(x for curve in curves for x in curve.missed)
    # Marks are 9 units apart where there is room; together they stay narrower than a label.
    step = min(9.0, 24 / max(counts.values()))
    seen: Counter[float] = Counter()
    for curve in curves:
        for x in curve.missed:
            beside = step * (seen[x] - (counts[x] - 1) / 2)
            pixel = axes.transData.transform((x, 1))[0] + beside
            seen[x] += 1
            share = axes.transAxes.inverted().transform((pixel, 0))[0]
            mark = style.on_rail(axes, share, curve.color, curve.marker, curve.name)
            tips.keep(mark, curve.label, curve.points[curve.points["x"] == x].head(1))


def end(curve: Curve) -> EndLabel:
    """The name at the right end of a curve that has a finite value."""
    last = curve.drawn.iloc[-1]
    return EndLabel(last["x"], last["y"], curve.label or curve.name, curve.color, curve.name)


def series(curves: Iterable[Curve]) -> dict[str, str]:
    """What can be highlighted: the curves' keys and the first part of their names.

    The whole name where others begin alike.
    """
    labels: dict[str, str] = {}
    for curve in curves:
        labels.setdefault(curve.name, curve.label or curve.name)
    parts = Counter(label.split(", ")[0] for label in labels.values())
    return {
        key: label if parts[label.split(", ")[0]] > 1 else label.split(", ")[0]
        for key, label in labels.items()
    }


def finite_extreme(curves: Iterable[Curve], *, largest: bool = False) -> tuple[Curve, pd.Series]:
    """The curve and point with the smallest (or largest) finite value; there must be one."""
    found = [(curve, point) for curve in curves for _, point in curve.drawn.iterrows()]
    return (max if largest else min)(found, key=lambda pair: pair[1]["y"])


# One value of a curve: y, infinite when missed; the curve; its point with the interval.
Value = tuple[float, Curve, pd.Series]
# Columns whose values have names for readers.
NAMED = {"name", "optimizer", "normalization", "model", "rule", "loop"}
# Infinite where the target was missed, which a table says in words.
TO_TARGET = {"epochs_to_target", "time_to_target"}


@dataclass(frozen=True)
class Quantity:
    """A column of a frame as figures show it.

    `label`: its name and unit, on the axis, in the alternative text and in the table. `missing`:
    what a curve's points without a value mean, "" where they mean nothing.
    """

    column: str
    label: str
    missing: str = "not reached"

    @property
    def columns(self) -> dict[str, str]:
        """Columns of a table of numbers and their heads: batch size, trials, value, interval."""
        trials = {"trials": "trials", "reached": "trials that reached it"}
        return {
            "batch_size": "batch size",
            **({} if self.column in TIMED else trials),
            self.column: self.label,
            f"{self.column}_low": "low",
            f"{self.column}_high": "high",
        }


EPOCHS = Quantity("epochs_to_target", "epochs to target")
TIME = Quantity("time_to_target", "time to target (s)")
SECONDS = Quantity("seconds_per_epoch", "seconds per epoch", missing="")


def trials_note(frame: pd.DataFrame, *, bars: bool = True) -> Message:
    """How many trials stand behind each point, and what is drawn around it."""
    least, most = int(frame["trials"].min()), int(frame["trials"].max())
    trials = f"{least}–{most}" if least < most else str(least)
    if not bars:
        return say(
            "Median of {trials} trials a point, without intervals: the claims test differences.",
            trials=trials,
        )
    if most < FEWEST_FOR_BAR:
        return say(
            "Median of {trials} trials a point: too few trials for an interval.", trials=trials
        )
    return say(
        "Median of {trials} trials a point; bars, from three trials on, are 95 % intervals."
        if least < FEWEST_FOR_BAR
        else "Median of {trials} trials a point; bars are 95 % intervals.",
        trials=trials,
    )


def target_notes(frame: pd.DataFrame) -> list[Message]:
    """The number of trials, and the target and the training images where the rows share them."""
    notes = [trials_note(frame)]
    targets = frame["target"].dropna().unique() if "target" in frame else []
    if len(targets) == 1:
        notes.append(say("Target: {target} validation accuracy.", target=percent(targets[0])))
    images = frame["train_size"].dropna().unique() if "train_size" in frame else []
    if len(images) == 1:
        notes.append(say("Trained on {n} images.", n=whole(images[0])))
    return notes


@dataclass(frozen=True)
class Comparison:
    """A figure of one panel: one measure over batch size, one curve for each thing compared.

    `group` makes the curves of a frame's rows for a column. `title` says what they show, None when
    nothing. `columns`: what the table of numbers holds, with its heads. `notes`: what stands below.
    `right`, `height`: the room for the curves' names, the height of the axes.
    """

    group: Callable[[pd.DataFrame, str], Sequence[Curve]]
    quantity: Quantity
    columns: Mapping[str, str]
    title: Callable[[Sequence[Curve]], Message | None] = lambda _: None
    notes: Callable[[pd.DataFrame], Sequence[Message]] = target_notes
    right: float = style.RIGHT
    height: float = style.HEIGHT

    def draw(self, frame: pd.DataFrame) -> Drawn | None:
        """The figure of these rows; None where none of them has a value of the measure."""
        if not measured(frame, self.quantity.column):
            return None
        lines = self.group(frame, self.quantity.column)
        if not any_drawn(lines):
            return None
        title = self.title(lines)
        return Drawn(
            figure=self._panel(lines),
            title=under(title, frame) if self.quantity.column in TO_TARGET else title,
            alt=described(lines, self.quantity.label),
            numbers=numbers(frame, self.columns),
            notes=self.notes(frame),
            series=series(lines),
        )

    def _panel(self, lines: Sequence[Curve]) -> Figure:
        """Curves over batch size on log axes, named at their ends when there are several."""
        several = len(lines) > 1
        figure, (axes,) = style.panels((self.height,), right=self.right if several else 20)
        style.batch_axis(axes, [x for line in lines for x in line.points["x"]])
        style.log_axis(axes, values(lines), self.quantity.label)
        draw(axes, lines, missing=self.quantity.missing, named=several)
        return figure


def under(title: Message | None, frame: pd.DataFrame) -> Message | None:
    """The title with the learning rates of its rows, without which it may not hold."""
    rates = frame["learning_rate"].dropna() if "learning_rate" in frame else pd.Series(dtype=float)
    if title is None or rates.empty:
        return title
    return say(
        "{title} (learning rate {low})"
        if rates.nunique() == 1
        else "{title} (learning rates {low} to {high})",
        title=title,
        low=significant(rates.min()),
        high=significant(rates.max()),
    )


def any_drawn(lines: Sequence[Curve]) -> bool:
    """Whether there is at least one value to draw."""
    return any(not line.drawn.empty for line in lines)


def first_evaluation(frame: pd.DataFrame) -> float:
    """The epochs after which the rows were first evaluated: no target is reached before."""
    every = frame["evaluate_every"] / frame["examples_per_epoch"]
    return float(every.fillna(1.0).max())


def apart(lower: pd.Series, upper: pd.Series) -> bool:
    """Whether two points differ beyond chance.

    By the paired test, corrected for their number, where one of them is the baseline; else by
    intervals that do not overlap, false when one has none.
    """
    for base, other in ((lower, upper), (upper, lower)):
        if base.get("baseline") == 1 and other.get("told", math.nan) in (0, 1):
            return bool(other["told"])
    return bool(lower["high"] < upper["low"])


def fewest(lines: Sequence[Curve]) -> Message | None:
    """Which curve needs the fewest and which the most epochs, where most of them differ."""
    at = _by_position(lines)
    differing = {x: values for x, values in at.items() if len({y for y, *_ in values}) > 1}
    if not differing:
        finite = [value for values in at.values() for value in values if value[0] < math.inf]
        if not finite:
            return None
        most = max(finite, key=lambda value: value[0])
        return say("No difference to be seen: {epochs} each", epochs=_needed(most[2]))
    # Where most curves can be compared, and there at the largest batch size.
    x, values = max(differing.items(), key=lambda item: (len(item[1]), item[0]))
    best, worst = (pick(values, key=lambda value: value[0]) for pick in (min, max))
    if worst[0] == math.inf:
        return _with_misses(x, best, values)
    return say(
        "At batch size {size}, {best} needs {low}, {worst} {high}"
        if apart(best[2], worst[2])
        else "At batch size {size}, {best} ({low}) and {worst} ({high}) are not told apart",
        size=whole(x),
        best=labelled(best[1].label),
        low=_needed(best[2]),
        worst=labelled(worst[1].label),
        high=_needed(worst[2]),
    )


def _needed(point: pd.Series) -> Message:
    """Epochs to target; only a bound where the first test already saw it."""
    instant = point["y"] <= point.get("first", 0.0)
    count = epochs(point["first"] if instant else point["y"])
    return say("at most {epochs}", epochs=count) if instant else count


def _by_position(lines: Sequence[Curve]) -> dict[float, list[Value]]:
    """The values at every position where two curves or more are compared."""
    at: dict[float, list[Value]] = defaultdict(list)
    for line in lines:
        for _, point in line.points.iterrows():
            y = float(point["y"])
            at[point["x"]].append((y if math.isfinite(y) else math.inf, line, point))
    return {x: values for x, values in at.items() if len(values) > 1}


def _with_misses(x: float, best: Value, values: Sequence[Value]) -> Message:
    return say(
        "At batch size {size}, {low} with {best}; not reached with {missed}",
        size=whole(x),
        low=_needed(best[2]),
        best=_few([line.label for y, line, _ in values if y == best[0]], len(values)),
        missed=_few([line.label for y, line, _ in values if y == math.inf], len(values)),
    )


def _few(labels: Sequence[str], every: int) -> Message:
    """The labels, or how many of all curves they are where a title would be a list."""
    if len(labels) <= FEW:
        return enumerated(labels)
    return say("{count} of {all} curves", count=len(labels), all=every)


def fastest(lines: Sequence[Curve]) -> Message | None:
    """Which curve reaches the target first, where, and how far the slowest best one lags."""
    drawn = [line for line in lines if not line.drawn.empty]
    if len(drawn) < 2:
        return None
    best, point = finite_extreme(drawn)
    slowest = max(drawn, key=lambda line: line.drawn["y"].min())
    last = lowest(slowest.drawn, "y")
    return say(
        "By medians {name} is fastest, at batch size {size}; {slowest} at its best takes {times} "
        "as long"
        if bool(point["high"] < last["low"])
        else "By medians alone {name} is fastest, at batch size {size}: it is not told apart from "
        "{slowest}, which takes {times} as long",
        name=labelled(best.label or best.name),
        size=whole(point["x"]),
        slowest=labelled(slowest.label or slowest.name),
        times=times(last["y"] / point["y"]),
    )


def described(lines: Sequence[Curve], measure: str) -> Message:
    """The alternative text: what is drawn, and each curve's range."""
    xs = [x for line in lines for x in line.points["x"]]
    return say(
        "Line chart of {measure} over batch size {low} to {high}, one line each for {names}.",
        measure=Message(measure),
        low=whole(min(xs)),
        high=whole(max(xs)),
        names=listed([line.label or line.name for line in lines]),
    )


def numbers(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The named columns that the frame has, under the names readers see.

    What the configuration names gets its readers' name; a missed target is infinite.
    """
    kept = {key: name for key, name in columns.items() if key in frame}
    table = frame[list(kept)].copy()
    for key in NAMED & set(kept):
        table[key] = table[key].map(selection.name, na_action="ignore")
    if {"reached", "trials", "epochs_to_target"} <= set(frame):
        missed = frame["epochs_to_target"].isna() & (frame["reached"] < frame["trials"])
        for key in TO_TARGET & set(kept):
            table[key] = table[key].astype(float).mask(missed, math.inf)
            ends = [f"{key}_low", f"{key}_high"]
            table[[end for end in ends if end in table]] = table.filter(ends).mask(missed)
    return _bounded(table).rename(columns=kept)


def _bounded(table: pd.DataFrame) -> pd.DataFrame:
    """Without intervals of no width: the baseline's time has none, over which others are known."""
    lows = [key for key in table if str(key).endswith("_low")]
    for low, high in ((key, f"{str(key).removesuffix('_low')}_high") for key in lows):
        if high in table:
            table[[low, high]] = table[[low, high]].mask(table[low] == table[high])  # pyrefly: ignore
    return table
