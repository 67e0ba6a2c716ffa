import math

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection

from batchmark.report.drawing import curves, style
from batchmark.report.drawing import curves as comparison


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


def test_an_optimizer_with_momentum_is_another_one() -> None:
    rows = pd.DataFrame(
        {"optimizer": ["sgd", "sgd", "sgd", "rmsprop", "rmsprop"], "nesterov": [0, 0, 1, 0, 0],
         "momentum": [0.0, 0.9, 0.9, 0.0, 0.9], "batch_size": 8, "epochs": 1.0}
    )  # fmt: skip
    lines = curves.by_optimizer(rows, "epochs")
    labels = ["SGD", "momentum", "Nesterov", "RMSprop", "RMSprop with momentum"]
    assert [line.label for line in lines] == labels
    assert len({line.color for line in lines}) == 5


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
    assert np.asarray(hollow[0].get_ydata())[0] == 1
    assert "not reached" in [text.get_text() for text in axes.texts]


def test_the_finding_compares_where_most_got_there() -> None:
    lines = curves.by_group(frame(), "kind", "epochs")
    assert str(comparison.fewest(lines)) == "At batch size 64, 4 epochs with a; not reached with b"
    assert comparison.fewest(lines[:1]) is None


def test_a_finding_names_no_more_curves_than_a_title_holds() -> None:
    """Of six that tie and one that missed, at one size, the six are counted."""
    epochs = pd.Series([*(6 * [2.0]), np.inf])
    made = pd.DataFrame({"epochs": epochs, "epochs_low": epochs, "epochs_high": epochs})
    made = made.assign(batch_size=8, kind=[*"abcdefg"])
    said = str(comparison.fewest(curves.by_group(made, "kind", "epochs")))
    assert said == "At batch size 8, 2 epochs with 6 of 7 curves; not reached with g"


def test_a_finding_says_at_which_rate() -> None:
    """Of one optimizer at its rate and at a tuned one, only the latter got there."""
    made = pd.DataFrame({"epochs": [np.inf, 2.0], "epochs_low": 2.0, "epochs_high": 2.0})
    made = made.assign(batch_size=8, kind=["SGD, 0.01", "SGD, tuned"])
    said = str(comparison.fewest(curves.by_group(made, "kind", "epochs")))
    assert said == "At batch size 8, 2 epochs with SGD (tuned); not reached with SGD (0.01)"


def compared(first: tuple[float, float, float], second: tuple[float, float, float]) -> str:
    """The finding on two curves with one point each: value, low, high."""
    made = pd.DataFrame([first, second], columns=["epochs", "epochs_low", "epochs_high"])
    made = made.assign(batch_size=8, kind=["a", "b"])
    return str(comparison.fewest(curves.by_group(made, "kind", "epochs")))


def test_only_intervals_apart_make_a_winner() -> None:
    assert compared((1, 0.9, 1.4), (2, 1.5, 3)) == ("At batch size 8, a needs 1 epoch, b 2 epochs")
    assert compared((1, 0.9, 1.6), (2, 1.5, 3)) == (
        "At batch size 8, a (1 epoch) and b (2 epochs) are not told apart"
    )
    assert compared((1, 1, 1), (1, 1, 1)) == "No difference to be seen: 1 epoch each"


def test_two_trials_have_no_interval() -> None:
    few = frame().assign(trials=2)
    assert curves.points(few, "epochs")[["low", "high"]].isna().all(axis=None)
    assert "too few trials" in str(comparison.trials_note(few))
    assert "bars are 95 % intervals" in str(comparison.trials_note(few.assign(trials=3)))
    some = few.assign(trials=[2, *[3] * (len(few) - 1)])
    assert "of 2–3 trials a point; bars, from three trials on" in str(comparison.trials_note(some))


def test_wide_intervals_do_not_stretch_the_axis() -> None:
    wide = frame().assign(epochs_high=1000.0, epochs_low=0.001)
    values = curves.values(curves.by_group(wide, "kind", "epochs"))
    assert (min(values), max(values)) == (0.5, 8.0)


def test_numbers_tell_misses_and_name_optimizers() -> None:
    made = pd.DataFrame(
        {"optimizer": ["sgd", "adam"], "reached": [1, 3], "trials": 3,
         "epochs_to_target": [None, 2.0]}
    )  # fmt: skip
    shown = comparison.numbers(made, {"optimizer": "optimizer", "epochs_to_target": "epochs"})
    assert shown.to_numpy().tolist() == [["SGD", math.inf], ["Adam", 2.0]]


def test_extremes_know_their_curve() -> None:
    curve, point = curves.finite_extreme(curves.by_group(frame(), "kind", "epochs"))
    assert (curve.name, point["x"]) == ("a", 8)
    assert math.isfinite(point["y"])


def test_a_bar_without_ends_reaches_to_the_edges() -> None:
    _, (axes,) = style.panels()
    data = pd.DataFrame(
        {
            "batch_size": [8, 64],
            "kind": ["a", "a"],
            "epochs": [1.0, 4.0],
            "epochs_low": [0.9, 0.0],
            "epochs_high": [1.1, None],
        }
    )
    lines = curves.by_group(data, "kind", "epochs")
    style.batch_axis(axes, [8, 64])
    style.log_axis(axes, curves.values(lines), "epochs")
    curves.draw(axes, lines)
    (bars,) = [part for part in axes.collections if isinstance(part, LineCollection)]
    last = bars.get_segments()[-1]
    assert {float(y) for _, y in last} == set(axes.get_ylim())


def test_chips_have_whole_names_where_these_begin_alike() -> None:
    names = ["batch size 10", "batch size 10, Adam", "momentum 0.9, Nesterov"]
    lines = [curves.Curve(name, "black", "o", curves.points(frame(), "epochs")) for name in names]
    assert list(curves.series(lines).values()) == [*names[:2], "momentum 0.9"]
