import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Annotation

from batchmark.report.drawing import style

heights = st.lists(st.floats(0, 100), min_size=1, max_size=8).map(sorted)


@given(heights)
def test_names_at_line_ends_never_overlap(wanted: list[float]) -> None:
    placed = style.spread(wanted, gap=12, low=0, high=100)
    assert all(b - a >= 12 - 1e-6 for a, b in pairwise(placed))
    assert placed[0] >= -1e-6
    assert placed[-1] <= 100 + 1e-6


def test_names_with_room_stay_where_they_are() -> None:
    assert style.spread([10, 50, 90], gap=12, low=0, high=100) == [10, 50, 90]


def test_names_share_the_room_when_there_is_too_little() -> None:
    assert style.spread([50, 50, 50], gap=80, low=0, high=100) == [0, 50, 100]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 11, [1, 2, 5, 10]),
        (4.5, 31, [5, 7, 10, 15, 20, 30]),
        (0.5, 2e5, [1, 10, 100, 1000, 1e4, 1e5]),
    ],
)
def test_log_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert style.log_ticks(low, high) == pytest.approx(ticks)


@given(st.floats(1e-9, 1e9), st.floats(1.3, 1e9))
def test_log_ticks_are_few_and_inside(low: float, ratio: float) -> None:
    ticks = style.log_ticks(low, low * ratio)
    assert len(ticks) <= 6
    assert all(low <= tick <= low * ratio * (1 + 1e-9) for tick in ticks)


def test_a_name_inside_the_axes_covers_no_line() -> None:
    """A point at which a line begins: on the right of it the name would be struck through."""
    _, (axes,) = style.panels()
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    axes.plot([5, 10], [5.0, 5.0])
    style.label_ends(axes, [style.EndLabel(5, 5, "momentum", style.BLUE)])
    (name,) = axes.texts
    assert isinstance(name, Annotation)
    box, (x, y) = axes.get_window_extent(), axes.transData.transform((5, 5))
    held, height = np.array(name.xy) * (box.width, box.height) + (box.x0, box.y0)
    beyond = name.get_horizontalalignment() == "right" and held < x
    assert abs(height - y) > style.FONT / 2 or beyond


def test_names_that_would_cover_lines_stand_behind_the_axes() -> None:
    """Where lines pass on all sides of three points; one far from them keeps its name."""
    _, (axes,) = style.panels((100,), right=120)
    axes.set(xlim=(0, 10), ylim=(0, 10))
    for y in np.linspace(1, 8, 30):
        axes.plot([2.5, 7.5], [y, y])
    ends = [style.EndLabel(5, 5 + 0.1 * k, f"optimizer {k}", style.BLUE) for k in range(3)]
    style.label_ends(axes, [*ends, style.EndLabel(1, 9, "alone", style.BLUE)])
    names = [name for name in axes.texts if isinstance(name, Annotation)]
    places = {name.get_text(): np.array(name.xy) for name in names}
    assert places.pop("alone")[0] < 0.3
    assert all(x > 0.9 for x, _ in places.values())
    heights = sorted(y * axes.get_window_extent().height for _, y in places.values())
    assert all(above - below > style.FONT for below, above in pairwise(heights))


def test_short_names_at_one_height_share_a_line() -> None:
    _, (axes,) = style.panels(right=84)
    axes.set_ylim(0, 10)
    axes.set_xlim(0, 1)
    ends = [
        style.EndLabel(1, y, text, style.BLUE) for y, text in ((5, "16"), (5.1, "32"), (9, "1"))
    ]
    style.label_ends(axes, ends)
    places = {name.get_text(): name.xy for name in axes.texts if isinstance(name, Annotation)}
    assert places["16"][1] == places["32"][1] != places["1"][1]
    assert places["32"][0] < places["16"][0]


def test_sizes_that_matter_keep_their_labels() -> None:
    _, (axes,) = style.panels()
    style.batch_axis(axes, [1, 96, 100, 1000], first=[96])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "96", "\n100", "1k"]


def test_batch_axis_has_the_real_sizes_and_labels_apart() -> None:
    figure, (axes,) = style.panels()
    sizes = [1, 2, 5, 10, 20, 50, 100, 256, 500, 1000, 2000, 5000]
    style.batch_axis(axes, sizes)
    assert axes.get_xticks().tolist() == sizes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert [label.strip() for label in labels] == [*map(str, sizes[:9]), "1k", "2k", "5k"]
    # Labels of the second line have a line more below the axes, which are as high as ever.
    lower = any(label.startswith("\n") for label in labels)
    total = style.TOP + style.HEIGHT + style.BOTTOM + lower * style.LINE
    assert math.isclose(figure.get_size_inches()[1] * 72, total)
    assert math.isclose(axes.get_window_extent().height, style.HEIGHT)
    assert math.isclose(figure.get_size_inches()[0] * 72, style.WIDTH)
