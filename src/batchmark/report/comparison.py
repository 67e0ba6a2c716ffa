"""The usual figure: one panel, one measure over batch size, one curve for each thing compared."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from batchmark.report import curves, names, style
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, significant, times, whole
from batchmark.report.phrases import epochs, listed
from batchmark.report.selection import lowest, measured

# One value of a curve: y, infinite when missed; the curve; its point with the interval.
Value = tuple[float, Curve, pd.Series]
NAMED = {"name", "optimizer", "normalization", "model", "rule"}
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
            **({} if self.column in curves.TIMED else trials),
            self.column: self.label,
            f"{self.column}_low": "low",
            f"{self.column}_high": "high",
        }


EPOCHS = Quantity("epochs_to_target", "epochs to target")
TIME = Quantity("time_to_target", "time to target (s)")
SECONDS = Quantity("seconds_per_epoch", "seconds per epoch", missing="")


def trials_note(frame: pd.DataFrame, *, bands: bool = True) -> Message:
    """How many trials stand behind each point, and what is drawn around it."""
    least, most = int(frame["trials"].min()), int(frame["trials"].max())
    trials = f"{least}–{most}" if least < most else str(least)
    if not bands:
        return say("Median of {trials} trials a point.", trials=trials)
    if most < curves.FEWEST_FOR_BAND:
        return say(
            "Median of {trials} trials a point: too few trials for an interval.", trials=trials
        )
    return say("Median of {trials} trials a point; bands are 95 % intervals.", trials=trials)


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
        return Drawn(
            figure=self._panel(lines),
            title=self.title(lines),
            alt=described(lines, self.quantity.label),
            numbers=numbers(frame, self.columns),
            notes=self.notes(frame),
            series=curves.series(lines),
        )

    def _panel(self, lines: Sequence[Curve]) -> Figure:
        """Curves over batch size on log axes, named at their ends when there are several."""
        several = len(lines) > 1
        figure, (axes,) = style.panels((self.height,), right=self.right if several else 20)
        style.batch_axis(axes, [x for line in lines for x in line.points["x"]])
        style.log_axis(axes, curves.values(lines), self.quantity.label)
        curves.draw(axes, lines, missing=self.quantity.missing, named=several)
        return figure


def any_drawn(lines: Sequence[Curve]) -> bool:
    """Whether there is at least one value to draw."""
    return any(not line.drawn.empty for line in lines)


def first_evaluation(frame: pd.DataFrame) -> float:
    """The epochs after which the rows were first evaluated: no target is reached before."""
    every = frame["evaluate_every"] / frame["examples_per_epoch"]
    return float(every.fillna(1.0).max())


def apart(lower: pd.Series, upper: pd.Series) -> bool:
    """Whether the intervals of two points do not overlap; false when one has none."""
    return bool(lower["high"] < upper["low"])


def fewest(lines: Sequence[Curve]) -> Message | None:
    """Which curve needs the fewest and which the most epochs, where most of them differ."""
    at = _by_position(lines)
    differing = {x: found for x, found in at.items() if _differ(found)}
    if not differing:
        return _tied([value for found in at.values() for value in found])
    x, found = max(differing.items(), key=lambda item: (len(item[1]), item[0]))
    best, worst = (pick(found, key=lambda value: value[0]) for pick in (min, max))
    if worst[0] == math.inf:
        return _with_misses(x, best[0], found)
    return say(
        "{best} needs {low} at batch size {size}, {worst} {high}"
        if apart(best[2], worst[2])
        else "At batch size {size}, {best} ({low}) and {worst} ({high}) cannot be told apart",
        size=whole(x),
        best=Message(best[1].label),
        low=epochs(best[0]),
        worst=Message(worst[1].label),
        high=significant(worst[0], 2),
    )


def _by_position(lines: Sequence[Curve]) -> dict[float, list[Value]]:
    """The values at every position where two curves or more are compared."""
    at: dict[float, list[Value]] = defaultdict(list)
    for line in lines:
        for _, point in line.points.iterrows():
            y = float(point["y"])
            at[point["x"]].append((y if math.isfinite(y) else math.inf, line, point))
    return {x: found for x, found in at.items() if len(found) > 1}


def _differ(found: Sequence[Value]) -> bool:
    return len({y for y, *_ in found}) > 1


def _tied(found: Sequence[Value]) -> Message | None:
    finite = [y for y, *_ in found if y < math.inf]
    if not finite:
        return None
    return say("No difference to be seen: at most {epochs} each", epochs=epochs(max(finite)))


def _with_misses(x: float, least: float, found: Sequence[Value]) -> Message:
    return say(
        "At batch size {size}, {low} with {best}; not reached with {missed}",
        size=whole(x),
        low=epochs(least),
        best=listed([line.label for y, line, _ in found if y == least]),
        missed=listed([line.label for y, line, _ in found if y == math.inf]),
    )


def fastest(lines: Sequence[Curve]) -> Message | None:
    """Which curve reaches the target first, where, and how far the slowest best one lags."""
    drawn = [line for line in lines if not line.drawn.empty]
    if len(drawn) < 2:
        return None
    best, point = curves.finite_extreme(drawn)
    slowest = max(drawn, key=lambda line: line.drawn["y"].min())
    last = lowest(slowest.drawn, "y")
    return say(
        "{name} is fastest, at batch size {size}; {slowest} at its best takes {times} as long"
        if apart(point, last)
        else "By medians alone {name} is fastest, at batch size {size}; {slowest} at its best "
        "takes {times} as long, but the intervals do not tell them apart",
        name=Message(best.label or best.name),
        size=whole(point["x"]),
        slowest=Message(slowest.label or slowest.name),
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
    made = frame[list(kept)].copy()
    for key in NAMED & set(kept):
        made[key] = made[key].map(names.name, na_action="ignore")
    if {"reached", "trials", "epochs_to_target"} <= set(frame):
        missed = frame["epochs_to_target"].isna() & (frame["reached"] < frame["trials"])
        for key in TO_TARGET & set(kept):
            made[key] = made[key].astype(float).mask(missed, math.inf)
    return made.rename(columns=kept)
