"""Ratios to the baseline around a visit, against sums by hand."""

import numpy as np
import pytest

from batchmark.contract.timing import Visit
from batchmark.timing.warnings import ratios_to_baseline


def visit(
    subject: str, start: int, step_time: int, number: int = 0, *, repeated: bool = False
) -> Visit:
    """A visit of 10 steps: its middle is 5 step times after its start."""
    return Visit(
        subject=subject,
        round=number,
        order=0,
        process=0,
        steps=10,
        start_ns=start,
        elapsed_ns=10 * step_time,
        taken_ns=0,
        repeated=repeated,
    )


def test_a_visit_is_compared_with_the_baseline_at_its_middle() -> None:
    # The baseline takes 100 around 500 and 200 around 2500: twice as long in 2000, so the root of
    # two times in half of that. The subject's middle is 1500.
    baselines = [visit("baseline", 0, 100), visit("baseline", 1500, 200)]
    found = ratios_to_baseline([baselines[0], visit("a", 1000, 100), baselines[1]], "baseline")
    assert found["a"] == pytest.approx(2**-0.5)
    assert found["baseline"] == pytest.approx([1.0, 1.0])


def test_three_baselines_are_averaged() -> None:
    # 100, 400, 100: the line is level at 100 times the third root of four.
    times = [(0, 100), (9000, 400), (20_500, 100)]
    baselines = [visit("baseline", start, time) for start, time in times]
    found = ratios_to_baseline([*baselines, visit("a", 40_000, 100)], "baseline")
    # Their middles lie at 500, 11000 and 21000, so that there is next to no slope.
    assert found["a"] == pytest.approx(4 ** (-1 / 3), rel=0.05)
    assert np.prod(found["baseline"]) == pytest.approx(1.0)


def test_a_round_is_compared_with_its_own_baselines() -> None:
    visits = [visit("baseline", 0, 100), visit("a", 2000, 300), visit("a", 9000, 300, number=1)]
    assert ratios_to_baseline(visits, "baseline")["a"] == pytest.approx([3.0])


def test_what_was_repeated_counts_on_neither_side() -> None:
    visits = [
        visit("baseline", 0, 100),
        visit("a", 500, 900, repeated=True),
        visit("a", 1500, 300),
        visit("baseline", 2000, 400, repeated=True),
    ]
    found = ratios_to_baseline(visits, "baseline")
    assert [*found] == ["baseline", "a"]
    assert found["a"] == pytest.approx([3.0])
