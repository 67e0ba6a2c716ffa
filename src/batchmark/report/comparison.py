"""The usual figure: one panel, one measure over batch size, one curve for each thing compared."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from batchmark.report import curves, names, style
from batchmark.report.curves import Curve
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, significant, times, whole
from batchmark.report.phrases import epochs, listed
from batchmark.report.selection import lowest

# One value of a curve: y, infinite when missed; the curve; its point with the interval.
Value = tuple[float, Curve, pd.Series]
NAMED = {"name", "optimizer", "normalization", "model", "rule"}
TO_TARGET = {"epochs_to_target", "time_to_target"}


def panel(
    lines: Sequence[Curve],
    measure: str,
    *,
    missing: str = "not reached",
    right: float = 84,
    height: float = style.HEIGHT,
) -> Figure:
    """Curves over batch size on log axes, named at their ends when there are several."""
    figure, (axes,) = style.panels((height,), right=right if len(lines) > 1 else 20)
    style.batch_axis(axes, [x for line in lines for x in line.points["x"]])
    style.log_axis(axes, curves.values(lines), measure)
    curves.draw(axes, lines, missing=missing, named=len(lines) > 1)
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
    """The same, and the target and the training images where the rows share them."""
    notes = [trials_note(frame)]
    targets = frame["target"].dropna().unique() if "target" in frame else []
    if len(targets) == 1:
        notes.append(say("Target: {target} validation accuracy.", target=percent(targets[0])))
    images = frame["train_size"].dropna().unique() if "train_size" in frame else []
    if len(images) == 1:
        notes.append(say("Trained on {n} images.", n=whole(images[0])))
    return notes


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


EPOCHS = {
    "batch_size": "batch size",
    "trials": "trials",
    "reached": "trials that reached it",
    "epochs_to_target": "epochs to target",
    "epochs_to_target_low": "low",
    "epochs_to_target_high": "high",
}
TIME = {
    "batch_size": "batch size",
    "trials": "trials",
    "reached": "trials that reached it",
    "time_to_target": "time to target (s)",
    "time_to_target_low": "low",
    "time_to_target_high": "high",
}
