"""Colours, markers, axes and scales: how every figure looks.

The hues are Okabe and Ito's (2008), told apart by colour-blind readers; the page lightens or
darkens them for its theme by their value, so a figure must use exactly these.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from batchmark.report.language.messages import power, significant, size, whole

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PINK = "#cc79a7"
ORANGE = "#e69f00"
SKY = "#56b4e9"
VIOLET = "#7b5ea7"
BROWN = "#8c6d31"
SLATE = "#66717e"
CRIMSON = "#b03060"

# The first six are those of Okabe and Ito (2008), told apart by the colour-blind.
HUES = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, VIOLET, BROWN, SLATE, CRIMSON)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">")

# Drawn in this colour, an artist takes the text colour of the page it stands on.
INK = "#111213"

# So that an optimizer has its colour in every figure.
FIXED = {
    "sgd": 0,
    "adam": 1,
    "rmsprop": 2,
    "adagrad": 3,
    "adadelta": 4,
    "momentum": 5,
    "nesterov": 6,
    "rprop": 7,
    "none": 0,
    "batch": 1,
    "layer": 2,
    "group": 3,
    "input": 4,
    "fixed": 0,
    "linear": 1,
    "sqrt": 2,
    "tuned": 3,
    "lenet5": 0,
    "lenet_theano": 1,
    "mlp": 2,
    "lstm": 3,
    "gru": 4,
    "mut1": 5,
    "mut2": 6,
    "mut3": 7,
    "sda": 8,
    "dbn": 9,
    "weight decay": 1,
    "L2": 2,
    "L1": 3,
    "dropout": 4,
}

# Dark to light, readable on white and on near-black: single hues of seaborn's "crest" turned round.
RAMP = (
    "#2c3172",
    "#26497c",
    "#1e5f84",
    "#22758a",
    "#378a8c",
    "#4c9f8d",
    "#66b290",
    "#82c494",
    "#a5cd90",
)


def hue(name: str, position: int) -> str:
    """The colour of a series: fixed by its name where it has one, else by its position."""
    return HUES[FIXED.get(name, position) % len(HUES)]


def marker(name: str, position: int) -> str:
    """The marker of a series, chosen like its colour."""
    return MARKERS[FIXED.get(name, position) % len(MARKERS)]


def ramp(count: int) -> list[str]:
    """`count` colours of the sequential ramp, spread over all of it."""
    if count == 1:
        return [RAMP[len(RAMP) // 2]]
    return [RAMP[round(i * (len(RAMP) - 1) / (count - 1))] for i in range(count)]


# As matplotlib comes: a matplotlibrc in the home or working folder is not part of a report.
mpl.rcdefaults()
mpl.use("svg")

# Steps that a reader divides at sight.
EVEN = MaxNLocator(4, steps=[1, 2, 5, 10])
# Room on either side of a single value on a log axis: a factor of 1.4.
ALONE = 0.35
# What a label begins with that stands one line lower.
LOWER = "\n"
# In units of the drawing, which are pixels of a page that does not scale it.
WIDTH, HEIGHT, FONT = 400, 230, 12.5
# Around the axes: numbers left, curves' names right, the measure above, batch sizes below.
LEFT, RIGHT, TOP, BOTTOM = 46, 84, 28, 44
SETTINGS: dict[str, Any] = {
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "font.size": FONT,
    "axes.labelsize": FONT,
    "axes.titlesize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "legend.fontsize": FONT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.8,
    "axes.linewidth": 0.8,
    "xtick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "xtick.major.pad": 4,
    "axes.labelpad": 5,
    "axes.facecolor": "none",
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    # A dollar sign in a name of the user's own is no formula.
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True)
class EndLabel:
    """A text beside the last point of a line, in data coordinates."""

    x: float
    y: float
    text: str
    color: str
    series: str = ""
    alpha: float = 1.0


class Spot(NamedTuple):
    """Where a name's left end may stand, which side stays in any language, what it covers."""

    x: float
    y: float
    side: Literal["left", "center", "right"]
    covered: int = 0


Placed = tuple[NDArray[Any], EndLabel]
# A line of text and the space between two.
LINE = FONT + 2.5
# From a point to its name, and between names in a row.
BESIDE, BETWEEN = 10, 7


def panels(
    heights: Sequence[float] = (HEIGHT,),
    *,
    right: float = RIGHT,
    left: float = LEFT,
    top: float = TOP,
    gap: float = 34,
) -> tuple[Figure, list[Axes]]:
    """A figure of stacked axes, each as many units high as told."""
    sns.set_theme(style="ticks", rc=SETTINGS)
    total = top + sum(heights) + gap * (len(heights) - 1) + BOTTOM
    figure = Figure(figsize=(WIDTH / 72, total / 72))
    stack: list[Axes] = []
    ceiling = total - top
    for height in heights:
        box = (
            left / WIDTH,
            (ceiling - height) / total,
            (WIDTH - left - right) / WIDTH,
            height / total,
        )
        axes = figure.add_axes(box)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        stack.append(axes)
        ceiling -= height + gap
    return figure, stack


def named(axes: Axes, text: str) -> None:
    """The measure and unit of the vertical axis, written flat above it."""
    axes.set_label(text)
    at = axes.get_position().x0 * WIDTH
    axes.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(8 - at, 11),
        textcoords="offset points",
        va="bottom",
        ha="left",
    )


def batch_axis(
    axes: Axes, sizes: Iterable[float], label: str = "batch size", *, first: Iterable[float] = ()
) -> None:
    """A log axis whose ticks are the batch sizes that occur; those of `first` keep their labels."""
    log_values_axis(axes, sizes, label, lambda value: size(int(value)), first=first)
    axes.fmt_xdata = whole


def log_values_axis(
    axes: Axes,
    values: Iterable[float],
    label: str,
    text: Callable[[float], str] = significant,
    *,
    first: Iterable[float] = (),
) -> None:
    """A horizontal log axis with ticks at `values`; labels that would collide stand one line lower.

    What collides there too is left out. Without a label the axis is one that the panel below
    names. `first`: whose labels are kept.
    """
    real = sorted(set(values))
    axes.set_xscale("log")
    low, high = math.log(real[0]), math.log(real[-1])
    # Marks at the ends stay whole; a single value stands in the middle of a factor of e.
    margin = 0.03 * (high - low) or 0.5
    axes.fmt_xdata = text
    axes.set_xlim(math.exp(low - margin), math.exp(high + margin))
    order = [*first, *reversed(real)]
    labels = _uncollided(axes, real, order, text) if label else [""] * len(real)
    _fixed(axes.xaxis, real, labels)
    axes.set_xlabel(label)
    if any(text.startswith(LOWER) for text in labels):
        _deepen(axes, LINE)


def _deepen(axes: Axes, room: float) -> None:
    """Add room below the axes of a figure, which keep their size."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101
    before = 72 * figure.get_figheight()
    after = before + room
    figure.set_figheight(after / 72)
    for panel in figure.axes:
        left, bottom, width, height = panel.get_position().bounds
        box = (left, (bottom * before + room) / after, width, height * before / after)
        panel.set_position(box)


def decades_axis(axes: Axes, values: Iterable[float], label: str) -> None:
    """A horizontal log axis around `values` with ticks at powers of ten, written out."""
    low, high = _padded(list(values))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    _fixed(axes.xaxis, ticks, [power(tick) for tick in ticks] if label else [""] * len(ticks))
    axes.set_xlabel(label)


def ticks_axis(axes: Axes, ticks: Iterable[float], label: str) -> None:
    """A horizontal axis with those of the ticks that lie inside it."""
    kept = [tick for tick in ticks if _inside(tick, axes.get_xlim())]
    _fixed(axes.xaxis, kept, [significant(tick) for tick in kept])
    axes.set_xlabel(label)


def plain_axis(axes: Axes, label: str) -> None:
    """A linear horizontal axis with few ticks."""
    axes.locator_params(axis="x", nbins=6)
    ticks = [tick for tick in axes.get_xticks() if _inside(tick, axes.get_xlim())]
    _fixed(axes.xaxis, ticks, [significant(tick) for tick in ticks])
    axes.set_xlabel(label)


def names_axis(axes: Axes, names: Sequence[str]) -> None:
    """A vertical axis of names, the first on top."""
    _fixed(axes.yaxis, range(len(names)), names)


def steps_axis(axes: Axes, names: Sequence[str], label: str = "") -> None:
    """A horizontal axis of named steps at 0, 1, 2 …"""
    axes.set_xlim(-0.3, len(names) - 0.7)
    _fixed(axes.xaxis, range(len(names)), names)
    axes.set_xlabel(label)


def value_axis(axes: Axes, label: str, *, low: float | None = None) -> None:
    """A linear axis with few ticks, its name above it."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom if low is None else low, top)
    axes.locator_params(axis="y", nbins=5)
    ticks = [tick for tick in axes.get_yticks() if _inside(tick, axes.get_ylim())]
    _fixed(axes.yaxis, ticks, [significant(tick) for tick in ticks])
    named(axes, label)


def log_axis(axes: Axes, values: Iterable[float], label: str, unit: str = "") -> None:
    """A log axis around `values` with plain numbers at 1, 2, 5 or whole decades."""
    axes.set_yscale("log")
    low, high = _padded([value for value in values if 0 < value < math.inf])
    axes.set_ylim(low, high)
    # A tick each 32 units, two and a half lines of text; a scale is read off two or three.
    ticks = log_ticks(low, high, most=max(3, round(axes.get_window_extent().height / 32)))
    # Between two round numbers of a log scale there is little to read: even steps say more.
    if len(ticks) < 3 and high / low < 3:
        ticks = [tick for tick in EVEN.tick_values(low, high) if low <= tick <= high]
    _fixed(axes.yaxis, ticks, [power(tick) + unit for tick in ticks])
    named(axes, label)


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most `most` round numbers between the limits: 1-2-5 steps, 1-3 steps or decades."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [k * 10.0**d for d in decades for k in steps if low <= k * 10.0**d <= high]
        if len(ticks) <= most:
            return ticks
    stride = math.ceil(len(ticks) / most)
    return ticks[::stride]


def rail(axes: Axes, text: str = "not reached") -> None:
    """The labelled line at the top edge of the axes on which misses are drawn."""
    axes.plot(
        [0, 1],
        [1, 1],
        color=INK,
        alpha=0.4,
        linewidth=0.8,
        dashes=(2, 3),
        transform=axes.transAxes,
        clip_on=False,
    )
    corner(axes, text)


def corner(axes: Axes, text: str) -> None:
    """A quiet text above the right end of the axes."""
    axes.annotate(
        text,
        (1, 1),
        xycoords="axes fraction",
        xytext=(0, 11),
        va="bottom",
        ha="right",
        textcoords="offset points",
        alpha=0.75,
    )


def on_rail(axes: Axes, x: float, color: str, marker: str, series: str) -> Line2D:
    """A hollow mark on the rail, `x` in shares of the axes' width."""
    (mark,) = axes.plot(
        [x],
        [1],
        linestyle="none",
        marker=marker,
        markerfacecolor="none",
        markeredgecolor=color,
        markeredgewidth=1.6,
        transform=axes.transAxes,
        clip_on=False,
        gid=gid(series),
    )
    return mark


def label_ends(axes: Axes, labels: Iterable[EndLabel], *, under_rail: bool = False) -> None:
    """Name lines beside their last points: behind the axes in a column, inside where there is room.

    Call it when all else is drawn.
    """
    edge = axes.get_window_extent().x1 - LINE
    placed = [(axes.transData.transform((label.x, label.y)), label) for label in labels]
    placed.sort(key=lambda one: (one[0][1], one[0][0]))
    inside = [one for one in placed if one[0][0] <= edge]
    crowded = _crowded(axes, inside)
    behind = [one for one in placed if one[0][0] > edge or one[1] in crowded]
    marks = np.vstack([_marks(axes), *_label_column(axes, behind, under_rail=under_rail)])
    for place, label in inside:
        if label not in crowded:
            marks = _label_beside(axes, place, label, marks)


def _crowded(axes: Axes, placed: Sequence[Placed]) -> list[EndLabel]:
    """Names that fit behind the axes, of points where some name would cover what is drawn."""
    room = WIDTH - BESIDE - (axes.get_window_extent().x1 - LINE)
    marks, places = _marks(axes), set[float]()
    for place, label in placed:
        spot = _spot(axes, place, label, marks)
        places |= {place[0]} if spot.covered else set()
        marks = np.vstack([marks, _grid(spot.x, spot.y, text_width(label.text))])
    return [
        label
        for place, label in placed
        if text_width(label.text) <= room
        and any(abs(place[0] - crowded) < 2 * LINE for crowded in places)
    ]


def label_anywhere(axes: Axes, labels: Sequence[EndLabel]) -> None:
    """Write that of the labels, if there are some, which covers least of what is drawn."""
    if not labels:
        return
    marks = _marks(axes)
    placed = [(axes.transData.transform((label.x, label.y)), label) for label in labels]
    spots = [(_spot(axes, place, label, marks), label) for place, label in placed]
    spot, label = min(spots, key=lambda one: one[0].covered)
    _write(axes, label, spot.x, spot.y, spot.side)


def _label_column(
    axes: Axes, placed: Sequence[Placed], *, under_rail: bool
) -> Iterator[NDArray[Any]]:
    """Names behind the axes, pushed apart; short ones of ends at one height share a line.

    Places that they cover.
    """
    if not placed:
        return
    box = axes.get_window_extent()
    # Of points inside as well.
    placed = [(np.maximum(place, (box.x1 - LINE, -np.inf)), label) for place, label in placed]
    rows = _rows(placed, WIDTH - max(place[0] for place, _ in placed) - BESIDE)
    heights = [float(np.mean([place[1] for place, _ in row])) for row in rows]
    free = spread(heights, LINE, box.y0, box.y1 - LINE * under_rail)
    for row, height in zip(rows, free, strict=True):
        left = max(place[0] for place, _ in row) if len(row) > 1 else row[0][0][0]
        # The higher end is named first.
        for _, label in reversed(row):
            _write(axes, label, left + BESIDE, height)
            yield _grid(left + BESIDE, height, text_width(label.text))
            left += text_width(label.text) + BETWEEN


def _rows(placed: Sequence[Placed], room: float) -> list[list[Placed]]:
    """From the lowest end up, those that are nearer than half a line and fit beside each other."""
    rows: list[list[Placed]] = []
    for one in sorted(placed, key=lambda one: one[0][1]):
        row = rows[-1] if rows else []
        width = sum(text_width(label.text) + BETWEEN for _, label in [*row, one])
        if row and one[0][1] - row[0][0][1] < LINE / 2 and width <= room:
            row.append(one)
        else:
            rows.append([one])
    return rows


def _label_beside(
    axes: Axes, place: NDArray[Any], label: EndLabel, marks: NDArray[Any]
) -> NDArray[Any]:
    """Name a point where least is drawn; what is drawn then."""
    spot = _spot(axes, place, label, marks)
    _write(axes, label, spot.x, spot.y, spot.side)
    return np.vstack([marks, _grid(spot.x, spot.y, text_width(label.text))])


def _spot(axes: Axes, place: NDArray[Any], label: EndLabel, marks: NDArray[Any]) -> Spot:
    """The first spot beside a point where a name covers least."""
    box, width = axes.get_window_extent(), text_width(label.text)
    right = Spot(place[0] + BESIDE, place[1], "left")
    left = Spot(place[0] - BESIDE - width, place[1], "right")
    over = Spot(place[0] - width / 2, place[1], "center")
    spots = [
        spot._replace(y=spot.y + rise)
        for rise in (0, LINE, -LINE, 1.7 * LINE, -1.7 * LINE)
        # On the point itself there is no room for its name.
        for spot in ((right, left, over) if rise else (right, left))
    ]
    inside = [
        spot._replace(covered=_covered(marks, spot.x, spot.y, width))
        for spot in spots
        if box.x0 <= spot.x
        and spot.x + width <= WIDTH
        and box.y0 + LINE / 2 <= spot.y <= box.y1 - LINE / 2
    ]
    return min(inside, key=lambda spot: spot.covered, default=right)


def _write(
    axes: Axes,
    label: EndLabel,
    x: float,
    y: float,
    side: Literal["left", "center", "right"] = "left",
) -> None:
    """The name with its left end at a place in units of the drawing, held at its `side`."""
    box = axes.get_window_extent()
    held = x + {"left": 0.0, "center": 0.5, "right": 1.0}[side] * text_width(label.text)
    axes.annotate(
        label.text,
        ((held - box.x0) / box.width, (y - box.y0) / box.height),
        xycoords="axes fraction",
        ha=side,
        va="center",
        color=label.color,
        alpha=label.alpha,
        gid=gid(label.series),
    )


def _marks(axes: Axes) -> NDArray[Any]:
    """Places along all lines and bars of the axes, a few units apart."""
    paths = [line.get_transform().transform(line.get_xydata()) for line in axes.lines]
    for bars in axes.collections:
        if isinstance(bars, LineCollection):
            paths += [axes.transData.transform(segment) for segment in bars.get_segments()]
    parts = [_along(np.asarray(path, float)) for path in paths if len(path)]
    return np.vstack([*parts, np.empty((0, 2))])


def _along(path: NDArray[Any]) -> NDArray[Any]:
    path = path[np.isfinite(path).all(axis=1)]
    steps = [
        start + (stop - start) * np.linspace(0, 1, 2 + int(np.hypot(*(stop - start)) / 4))[:, None]
        for start, stop in pairwise(path)
    ]
    return np.vstack([path, *steps])


def _grid(x: float, y: float, width: float) -> NDArray[Any]:
    """Places that a text covers."""
    across = np.arange(x, x + width, 4.0)
    return np.array([(one, y + rise) for one in across for rise in (-4.0, 0.0, 4.0)])


def _covered(marks: NDArray[Any], x: float, y: float, width: float) -> int:
    """How many of the places a text would cover."""
    inside = (marks[:, 0] > x - 4) & (marks[:, 0] < x + width + 4)
    return int((inside & (np.abs(marks[:, 1] - y) < LINE / 2)).sum())


def text_width(text: str) -> float:
    """About how many units a text is wide: a digit is 0.58 of the font's size."""
    return 0.58 * FONT * len(text)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights near the (ascending) wanted ones, `gap` apart and inside the limits if they fit.

    The mean of pushing everything up and pushing everything down: both keep the gap, so does it.
    """
    count = len(wanted)
    gap = min(gap, (high - low) / max(1, count - 1))
    up, down = list(wanted), list(wanted)
    for i in range(count):
        floor = up[i - 1] + gap if i else low
        up[i] = min(max(up[i], floor), high - (count - 1 - i) * gap)
    for i in reversed(range(count)):
        ceiling = down[i + 1] - gap if i < count - 1 else high
        down[i] = max(min(down[i], ceiling), low + i * gap)
    return [(low + high) / 2 for low, high in zip(down, up, strict=True)]


def gid(series: str) -> str | None:
    """The id by which the page finds the marks of a series."""
    return f"series-{series}" if series else None


def _fixed(axis: Axis, ticks: Iterable[float], labels: Sequence[str]) -> None:
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FixedFormatter(list(labels)))
    axis.set_minor_locator(NullLocator())


def _uncollided(
    axes: Axes, values: Sequence[float], order: Iterable[float], write: Callable[[float], str]
) -> list[str]:
    """Labels in their order, each in the first of two lines that has room beside those before."""
    lines: list[dict[float, tuple[float, float]]] = [{}, {}]
    for value in order:
        # Two labels stand 4 units apart.
        half = text_width(write(value)) / 2 + 2
        center = axes.transData.transform((value, 1))[0]
        left, right = center - half, center + half
        for kept in lines:
            if all(right <= start or end <= left for start, end in kept.values()):
                kept[value] = (left, right)
                break
    upper, lower = lines
    return [
        write(value) if value in upper else f"{LOWER}{write(value)}" if value in lower else ""
        for value in values
    ]


def _padded(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.1, 1.0
    logs = np.log([min(values), max(values)])
    pad = max(0.08 * (logs[1] - logs[0]), 0.08) if logs[1] > logs[0] else ALONE
    return float(np.exp(logs[0] - pad)), float(np.exp(logs[1] + pad))


def _inside(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
