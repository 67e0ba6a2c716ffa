import numpy as np
import pandas as pd
import pytest

from batchmark.analysis.relative_timing import add_ratio_to_anchor


def visits(rows: list[tuple[str, int, int, float, float]]) -> pd.DataFrame:
    """Rows: role, threads, round, start, seconds per epoch. Visits last no time at all."""
    table = pd.DataFrame(rows, columns=["role", "threads", "round", "start_seconds", "cost"])
    place = {"machine": "local", "device": "cpu", "study": "any"}
    return table.assign(**place, seconds=0.0).rename(columns={"cost": "seconds_per_epoch"})


def test_the_anchor_is_interpolated_between_its_visits() -> None:
    table = visits(
        [
            ("anchor", 2, 0, 0.0, 10.0),
            ("subject", 2, 0, 1.0, 55.0),
            ("subject", 2, 0, 3.0, 55.0),
            ("anchor", 2, 0, 4.0, 14.0),
        ]
    )
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    assert ratios[1] == pytest.approx(55 / 11)
    assert ratios[2] == pytest.approx(55 / 13)


def test_an_anchor_visit_is_compared_with_its_neighbours() -> None:
    table = visits([("anchor", 2, 0, t, cost) for t, cost in [(0.0, 10.0), (1.0, 12.0), (2.0, 20)]])
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    assert ratios.tolist() == pytest.approx([10 / 12, 12 / 15, 20 / 12])


def test_a_drift_common_to_all_cancels() -> None:
    moments = np.arange(20.0)
    roles = ["anchor" if k % 4 in (0, 3) else "subject" for k in range(20)]
    cost = (1 + moments / 10) * np.where(np.array(roles) == "anchor", 1.0, 7.0)
    table = visits([(r, 2, 0, t, c) for r, t, c in zip(roles, moments, cost, strict=True)])
    ratios = add_ratio_to_anchor(table)["ratio_to_anchor"]
    subjects = np.array(roles) == "subject"
    assert np.allclose(ratios[subjects], 7.0)


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
