from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from batchmark.collecting.tidy import add_ratio_to_baseline


def visits(rows: list[tuple[str, int, int, float, float]]) -> pd.DataFrame:
    """Rows: role, threads, round, start, seconds per epoch. Visits last no time at all."""
    table = pd.DataFrame(rows, columns=["role", "threads", "round", "start_seconds", "cost"])
    place = {"machine": "local", "device": "cpu", "study": "any"}
    table = table.assign(repeated=False)
    return table.assign(**place, seconds=0.0).rename(columns={"cost": "seconds_per_epoch"})


def test_the_baseline_counts_as_it_is_at_that_moment() -> None:
    table = visits(
        [
            ("baseline", 2, 0, 0.0, 10.0),
            ("subject", 2, 0, 1.0, 55.0),
            ("subject", 2, 0, 3.0, 55.0),
            ("baseline", 2, 0, 4.0, 14.0),
        ]
    )
    ratios = add_ratio_to_baseline(table)["ratio_to_baseline"]
    # 1.4 times as long in 4 seconds.
    assert ratios[1] == pytest.approx(55 / (10 * 1.4**0.25))
    assert ratios[2] == pytest.approx(55 / (10 * 1.4**0.75))


def test_baseline_visits_are_compared_with_the_line_through_all_of_them() -> None:
    table = visits(
        [("baseline", 2, 0, t, cost) for t, cost in [(0.0, 10.0), (1.0, 40.0), (2.0, 40.0)]]
    )
    ratios = add_ratio_to_baseline(table)["ratio_to_baseline"]
    # In logarithms to base two, less that of ten: 0, 2, 2. The line is 1/3, 4/3, 7/3.
    assert ratios.tolist() == pytest.approx([2 ** (-1 / 3), 2 ** (2 / 3), 2 ** (-1 / 3)])


def rounds(cost: Callable[[float], float], count: int) -> pd.DataFrame:
    """Rounds of a baseline at both ends and in the middle, and eight subjects between."""
    roles = ["baseline", *["subject"] * 4, "baseline", *["subject"] * 4, "baseline"]
    return visits(
        [
            (role, 2, number, moment, cost(moment) * (1 if role == "baseline" else 7))
            for number in range(count)
            for moment, role in enumerate(roles, start=number * len(roles))
        ]
    )


def test_a_drift_common_to_all_cancels() -> None:
    """It doubles over 40 rounds: nothing is left, not even in a single ratio."""
    table = add_ratio_to_baseline(rounds(lambda moment: 1 + moment / 400, 40))
    ratios = table.loc[table["role"] == "subject", "ratio_to_baseline"]
    assert ratios.median() == pytest.approx(7.0, rel=1e-3)
    assert ratios.between(7 * 0.999, 7 * 1.001).all()


def test_slow_outliers_do_not_make_the_same_thing_seem_faster() -> None:
    """Noise is one-sided, and so are its logarithms, but on both sides of a ratio alike."""
    random = np.random.default_rng(0)
    table = rounds(lambda _: 1 + random.exponential(0.1), 3000)
    found = add_ratio_to_baseline(table)
    ratios = found.loc[found["role"] == "subject", "ratio_to_baseline"]
    assert np.exp(np.log(ratios).mean()) == pytest.approx(7.0, rel=2e-3)


def test_every_round_has_its_own_baseline_whatever_the_threads() -> None:
    table = visits(
        [
            ("baseline", 1, 0, 0.0, 10.0),
            ("subject", 1, 0, 1.0, 30.0),
            ("baseline", 2, 1, 2.0, 5.0),
            ("subject", 2, 1, 3.0, 30.0),
            ("baseline", 2, 2, 4.0, 6.0),
            ("subject", 4, 2, 5.0, 30.0),
        ]
    )
    ratios = add_ratio_to_baseline(table)["ratio_to_baseline"]
    assert [ratios[1], ratios[3], ratios[5]] == pytest.approx([3.0, 6.0, 5.0])


def test_a_round_without_a_baseline_visit_has_no_ratio() -> None:
    table = visits([("subject", 2, 0, 0.0, 1.0), ("baseline", 2, 1, 1.0, 1.0)])
    assert add_ratio_to_baseline(table)["ratio_to_baseline"].isna().tolist() == [True, False]


def test_what_was_repeated_has_no_ratio_and_gives_none() -> None:
    table = visits(
        [
            ("baseline", 2, 0, 0.0, 10.0),
            ("subject", 2, 0, 1.0, 99.0),
            ("subject", 2, 0, 2.0, 30.0),
            ("baseline", 2, 0, 2.5, 77.0),
            ("baseline", 2, 0, 4.0, 15.0),
        ]
    ).assign(repeated=[False, True, False, True, False])
    ratios = add_ratio_to_baseline(table)["ratio_to_baseline"]
    # In the middle between 10 and 15.
    assert ratios.fillna(-1).tolist() == pytest.approx([1, -1, 30 / 150**0.5, -1, 1])
