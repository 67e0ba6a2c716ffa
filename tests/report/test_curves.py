import math

import pandas as pd

from batchmark.report import comparison, curves, style


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "batch_size": [64, 8, 8, 64],
            "kind": ["a", "a", "b", "b"],
            "epochs": [4.0, 1.0, 2.0, None],
            "epochs_low": [3.0, 0.9, 1.5, None],
            "epochs_high": [5.0, 1.1, None, None],
        }
    )


def test_a_curve_for_each_group_by_rising_size() -> None:
    a, b = curves.by_group(frame(), "kind", "epochs")
    assert a.drawn["x"].tolist() == [8, 64]
    assert a.drawn["high"].tolist() == [1.1, 5.0]
    assert b.missed == [64]


def test_limits_ignore_what_is_missing() -> None:
    values = curves.values(curves.by_group(frame(), "kind", "epochs"))
    assert sorted(values) == [0.9, 1.0, 1.1, 1.5, 2.0, 3.0, 4.0, 5.0]


def test_misses_are_drawn_hollow_on_the_rail() -> None:
    _, (axes,) = style.panels()
    lines = curves.by_group(frame(), "kind", "epochs")
    style.batch_axis(axes, [8, 64])
    style.log_axis(axes, curves.values(lines), "epochs")
    curves.draw(axes, lines)
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert len(hollow) == 1
    assert hollow[0].get_ydata()[0] == 1
    assert "not reached" in [text.get_text() for text in axes.texts]


def test_the_finding_compares_where_most_got_there() -> None:
    lines = curves.by_group(frame(), "kind", "epochs")
    assert str(comparison.fewest(lines)) == "a needs 1 epochs at batch size 8, b 2"
    assert comparison.fewest(lines[:1]) is None


def test_extremes_know_their_curve() -> None:
    curve, point = curves.finite_extreme(curves.by_group(frame(), "kind", "epochs"))
    assert (curve.name, point["x"]) == ("a", 8)
    assert math.isfinite(point["y"])
