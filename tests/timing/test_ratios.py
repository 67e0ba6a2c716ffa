"""Ratios to the baseline around a visit, against sums by hand."""

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


def test_the_baseline_nearest_to_the_middle_of_the_visit_counts() -> None:
    # The baseline takes 100 around 500 and 200 around 2500; the subject's middle is 1000.
    baselines = [visit("baseline", 0, 100), visit("baseline", 1500, 200)]
    found = ratios_to_baseline([baselines[0], visit("a", 500, 100), baselines[1]], "baseline")
    assert found["a"].tolist() == [1.0]
    # Each baseline visit is compared with the other one.
    assert found["baseline"].tolist() == [0.5, 2.0]


def test_a_round_is_compared_with_its_own_baselines() -> None:
    visits = [visit("baseline", 0, 100), visit("a", 2000, 300), visit("a", 9000, 300, number=1)]
    assert ratios_to_baseline(visits, "baseline")["a"].tolist() == [3.0]


def test_what_was_repeated_counts_on_neither_side() -> None:
    visits = [
        visit("baseline", 0, 100),
        visit("a", 500, 900, repeated=True),
        visit("a", 1500, 300),
        visit("baseline", 2000, 400, repeated=True),
    ]
    found = ratios_to_baseline(visits, "baseline")
    assert {name: each.tolist() for name, each in found.items()} == {"a": [3.0]}
