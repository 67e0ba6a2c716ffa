"""Lines over batch size, one a series: interval, misses on the rail, a name at the end."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from batchmark.report import names, palette, style
from batchmark.report.selection import optimizer_keys
from batchmark.report.style import EndLabel

MANY = 4
FEWEST_FOR_BAND = 3
ROOM_FOR_BANDS = 2.0
# Intervals of these come from rounds of timing, not from trials.
TIMED = {"seconds_per_epoch", "examples_per_second"}


@dataclass(frozen=True)
class Curve:
    """One series. `points` has the columns x, y, low, high; y is missing where there is none."""

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


def points(frame: pd.DataFrame, value: str, x: str = "batch_size") -> pd.DataFrame:
    """The columns of a summary as a curve's points, by x; no bounds from too few trials."""
    bounds = (f"{value}_low", f"{value}_high") if f"{value}_low" in frame else (value, value)
    made = pd.DataFrame(
        {"x": frame[x], "y": frame[value], "low": frame[bounds[0]], "high": frame[bounds[1]]}
    )
    if "trials" in frame and value not in TIMED:
        made.loc[frame["trials"] < FEWEST_FOR_BAND, ["low", "high"]] = np.nan
    return made.astype(float).sort_values("x").reset_index(drop=True)


def by_group(
    frame: pd.DataFrame,
    group: str,
    value: str,
    *,
    x: str = "batch_size",
) -> list[Curve]:
    """One curve for each value of the column `group`, in the order they are seen."""
    found = list(dict.fromkeys(frame[group].astype(str)))
    rows = {name: frame[frame[group].astype(str) == name] for name in found}
    return [
        Curve(
            name,
            palette.hue(name, k),
            palette.marker(name, k),
            points(rows[name], value, x),
            names.name(name),
        )
        for k, name in enumerate(found)
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
            palette.marker("", k),
            points(frame[frame[column] == level], value),
            written(level),
        )
        for k, (level, color) in enumerate(zip(levels, palette.ramp(len(levels)), strict=True))
    ]


def draw(
    axes: Axes, curves: Iterable[Curve], *, named: bool = True, missing: str = "not reached"
) -> None:
    """Draw curves on axes whose scales and limits are set."""
    curves = list(curves)
    drawn = [curve for curve in curves if not curve.drawn.empty]
    for curve in drawn:
        _draw_interval(axes, curve, 0.18 if len(curves) <= MANY else 0.08)
    if drawn:
        _draw_lines(axes, drawn)
    misses = any(curve.missed for curve in curves) and bool(missing)
    if misses:
        style.rail(axes, missing)
        draw_misses(axes, curves)
    if named:
        style.label_ends(axes, map(end, drawn), under_rail=misses)


def values(curves: Iterable[Curve], bands: bool = True) -> list[float]:
    """All finite values, for the limits of a log axis, and the ends of intervals near them.

    Wide intervals would squeeze everything else: the axes cut them off.
    """
    curves = list(curves)
    middle = _finite(curves, ["y"])
    if not bands or not len(middle):
        return middle.tolist()
    room = (middle.min() / ROOM_FOR_BANDS, middle.max() * ROOM_FOR_BANDS)
    return [*middle, *np.clip(_finite(curves, ["low", "high"]), *room)]


def _finite(curves: Sequence[Curve], columns: list[str]) -> np.ndarray:
    found = [curve.drawn[columns].to_numpy(float).ravel() for curve in curves]
    flat = np.concatenate(found) if found else np.array([])
    return flat[np.isfinite(flat)]


def _draw_interval(axes: Axes, curve: Curve, strength: float) -> None:
    """The band of a curve; where it has no end, or one beyond the axes, it reaches to the edge."""
    bottom, top = axes.get_ylim()
    banded = curve.drawn[curve.drawn["low"].notna()]
    if (banded["high"] > banded["low"]).any():
        axes.fill_between(
            banded["x"],
            banded["low"].clip(lower=bottom),
            banded["high"].fillna(top).clip(upper=top),
            color=curve.color,
            alpha=strength,
            linewidth=0,
            gid=style.gid(curve.name),
        )


def _draw_lines(axes: Axes, curves: Sequence[Curve]) -> None:
    """All lines in one call, which is several times faster than one call each."""
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


def draw_misses(axes: Axes, curves: Sequence[Curve]) -> None:
    """Misses of several series at one position stand side by side, closer the more there are."""
    counts = Counter(x for curve in curves for x in curve.missed)
    step = min(9.0, 24 / max(counts.values()))
    seen: Counter[float] = Counter()
    for curve in curves:
        for x in curve.missed:
            pixel = axes.transData.transform((x, 1))[0] + step * seen[x]
            seen[x] += 1
            share = axes.transAxes.inverted().transform((pixel, 0))[0]
            style.on_rail(axes, share, curve.color, curve.marker, curve.name)


def end(curve: Curve) -> EndLabel:
    """The name at the right end of a curve that has a finite value."""
    last = curve.drawn.iloc[-1]
    return EndLabel(last["x"], last["y"], curve.label or curve.name, curve.color, curve.name)


def series(curves: Iterable[Curve]) -> dict[str, str]:
    """What can be highlighted: the curves' keys and the first part of their names."""
    found: dict[str, str] = {}
    for curve in curves:
        found.setdefault(curve.name, (curve.label or curve.name).split(", ")[0])
    return found


def finite_extreme(curves: Iterable[Curve], *, largest: bool = False) -> tuple[Curve, pd.Series]:
    """The curve and point with the smallest (or largest) finite value; there must be one."""
    found = [(curve, point) for curve in curves for _, point in curve.drawn.iterrows()]
    return (max if largest else min)(found, key=lambda pair: pair[1]["y"])
