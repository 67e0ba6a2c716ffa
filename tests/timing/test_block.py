"""Who is visited when."""

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from batchmark.timing.protocol import Reading, measure, round_orders


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 99))
def test_every_round_visits_each_subject_once_and_the_baseline_three_times(
    subjects: int, rounds: int, seed: int
) -> None:
    names = ["baseline", *(f"s{i}" for i in range(subjects))]
    orders = round_orders(names, "baseline", rounds, seed)
    assert len(orders) == rounds
    for order in orders:
        assert Counter(order) == Counter(names) + Counter(baseline=2)
        assert (order[0], order[-1]) == ("baseline", "baseline")
        assert order[1 + subjects // 2] == "baseline"


def test_orders_are_shuffled_and_repeatable() -> None:
    names = ["baseline", *"abcdefgh"]
    orders = round_orders(names, "baseline", 3, seed=1)
    assert orders == round_orders(names, "baseline", 3, seed=1)
    assert orders != round_orders(names, "baseline", 3, seed=2)
    assert len({tuple(order) for order in orders}) == 3


def test_visits_are_recorded_in_order_and_from_the_origin() -> None:
    starts = iter([1010, 1030, 1060])
    readers = {name: partial(lambda: Reading(5, next(starts), 7)) for name in ("baseline", "a")}
    first, second = measure(readers, [["baseline", "a"], ["baseline"]], origin=1000)
    assert [(v.subject, v.round, v.order, v.start_ns) for v in [*first, *second]] == [
        ("baseline", 0, 0, 10),
        ("a", 0, 1, 30),
        ("baseline", 1, 0, 60),
    ]
    assert {(v.steps, v.elapsed_ns) for v in first} == {(5, 7)}
