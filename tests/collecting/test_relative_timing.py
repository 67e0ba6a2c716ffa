from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from batchmark.collecting.tidy import add_ratio_to_anchor


def visits(rows: list[tuple[str, int, int, float, float]]) -> pd.DataFrame:
    """Rows: role, threads, round, start, seconds per epoch. Visits last no time at all."""
    table = pd.DataFrame(rows, columns=["role", "threads", "round", "start_seconds", "cost"])
    place = {"machine": "local", "device": "cpu", "study": "any"}
    return table.assign(**place, seconds=0.0).rename(columns={"cost": "seconds_per_epoch"})


def test_the_nearest_anchor_visit_counts() -> None:
    table = visits(
        [
            ("anchor", 2, 0, 0.0, 10.0),
            ("subject", 2, 0, 1.0, 55.0),
            ("subject", 2, 0, 3.0, 55.0),
            ("anchor", 2, 0, 4.0, 14.0),
        ]
    )
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    assert ratios[1] == pytest.approx(55 / 10)
    assert ratios[2] == pytest.approx(55 / 14)


def test_an_anchor_visit_is_compared_with_its_neighbour() -> None:
    table = visits([("anchor", 2, 0, t, cost) for t, cost in [(0.0, 10.0), (1.0, 12.0), (3.0, 20)]])
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    assert ratios.tolist() == pytest.approx([10 / 12, 12 / 10, 20 / 12])


def rounds(cost: Callable[[float], float], count: int) -> pd.DataFrame:
    """Rounds of an anchor at both ends and in the middle, and eight subjects between."""
    roles = ["anchor", *["subject"] * 4, "anchor", *["subject"] * 4, "anchor"]
    return visits(
        [
            (role, 2, number, moment, cost(moment) * (1 if role == "anchor" else 7))
            for number in range(count)
            for moment, role in enumerate(roles, start=number * len(roles))
        ]
    )


def test_a_drift_common_to_all_cancels() -> None:
    """It doubles over 40 rounds: nothing is left in the median, little in a single ratio."""
    table = add_ratio_to_anchor(rounds(lambda moment: 1 + moment / 400, 40))
    ratios = table.loc[table["role"] == "subject", "ratio_to_anchor"]
    assert ratios.median() == pytest.approx(7.0, rel=1e-3)
    assert ratios.between(7 * 0.99, 7 * 1.01).all()


def test_slow_outliers_do_not_make_the_same_thing_seem_faster() -> None:
    """Noise is one-sided; over the mean of two readings the median would be 0.7 % too low."""
    random = np.random.default_rng(0)
    table = rounds(lambda _: 1 + random.exponential(0.1), 3000)
    found = add_ratio_to_anchor(table)
    ratios = found.loc[found["role"] == "subject", "ratio_to_anchor"]
    assert ratios.median() == pytest.approx(7.0, rel=2e-3)


def test_rounds_and_thread_settings_have_their_own_anchor() -> None:
    table = visits(
        [
            ("anchor", 1, 0, 0.0, 10.0),
            ("subject", 1, 0, 1.0, 30.0),
            ("anchor", 2, 1, 2.0, 5.0),
            ("subject", 2, 1, 3.0, 30.0),
            ("anchor", 2, 2, 4.0, 6.0),
            ("subject", 4, 2, 5.0, 30.0),
        ]
    )
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    assert [ratios[1], ratios[3], ratios[5]] == pytest.approx([3.0, 6.0, 5.0])


def test_a_round_without_another_anchor_visit_has_no_ratio() -> None:
    table = visits([("subject", 2, 0, 0.0, 1.0), ("anchor", 2, 1, 1.0, 1.0)])
    assert add_ratio_to_anchor(table)["ratio_to_anchor"].isna().all()
