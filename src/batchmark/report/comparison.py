"""The usual figure: one panel, one measure over batch size, one curve for each thing compared."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from batchmark.report import curves, style
from batchmark.report.curves import Curve
from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, significant, size, times, whole


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


def fewest(lines: Sequence[Curve]) -> Message | None:
    """Which curve needs the fewest and which the most epochs, where most of them got there."""
    at: dict[float, list[tuple[float, Curve]]] = defaultdict(list)
    for line in lines:
        for x, y in zip(line.drawn["x"], line.drawn["y"], strict=True):
            at[x].append((y, line))
    x, found = max(at.items(), key=lambda item: (len(item[1]), item[0]), default=(0.0, []))
    if len(found) < 2:
        return None
    (low, best), (high, worst) = (pick(found, key=lambda one: one[0]) for pick in (min, max))
    if low == high:
        return None
    return say(
        "{best} needs {low} epochs at batch size {size}, {worst} {high}",
        size=whole(x),
        best=Message(best.label),
        low=significant(low, 2),
        worst=Message(worst.label),
        high=significant(high, 2),
    )


def fastest(lines: Sequence[Curve]) -> Message | None:
    """Which curve reaches the target first, where, and how far the slowest best one lags."""
    drawn = [line for line in lines if not line.drawn.empty]
    if len(drawn) < 2:
        return None
    best, point = curves.finite_extreme(drawn)
    slowest = max(drawn, key=lambda line: line.drawn["y"].min())
    return say(
        "{name} is fastest, at batch size {size}; {slowest} at its best takes {times} as long",
        name=Message(best.label or best.name),
        size=whole(point["x"]),
        slowest=Message(slowest.label or slowest.name),
        times=times(slowest.drawn["y"].min() / point["y"]),
    )


def described(lines: Sequence[Curve], measure: str) -> Message:
    """The alternative text: what is drawn, and each curve's range."""
    xs = [x for line in lines for x in line.points["x"]]
    return say(
        "Line chart of {measure} over batch size {low} to {high}, one line each for {names}.",
        measure=Message(measure),
        low=size(int(min(xs))),
        high=size(int(max(xs))),
        names=", ".join(dict.fromkeys(line.label or line.name for line in lines)),
    )


def trials_note(frame: pd.DataFrame) -> Message:
    """How many trials stand behind each point."""
    low, high = int(frame["trials"].min()), int(frame["trials"].max())
    return say(
        "Median of {trials} trials a point; bands are 95 % bootstrap intervals.",
        trials=f"{low}–{high}" if low < high else str(low),
    )


def target_notes(frame: pd.DataFrame) -> list[Message]:
    """The same, and the target where the rows share one."""
    notes = [trials_note(frame)]
    targets = frame["target"].dropna().unique() if "target" in frame else []
    if len(targets) == 1:
        notes.append(say("Target: {target} validation accuracy.", target=percent(targets[0])))
    return notes


def numbers(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The named columns that the frame has, under the names readers see."""
    kept = {key: name for key, name in columns.items() if key in frame}
    return frame[list(kept)].rename(columns=kept)


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
