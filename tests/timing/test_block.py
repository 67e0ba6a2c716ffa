"""Who is visited when, how often again, and for how many rounds."""

from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from math import comb
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchmark.contract.timing import Visit
from batchmark.statistics.intervals import median
from batchmark.timing.protocol import (
    Reader,
    Reading,
    attempts,
    known,
    measure,
    outermost_rank,
    round_order,
)
from batchmark.timing.session import versions_beside


@given(st.integers(1, 12), st.integers(0, 99))
def test_every_round_visits_each_subject_once_and_the_baseline_three_times(
    subjects: int, seed: int
) -> None:
    names = ["baseline", *(f"s{i}" for i in range(subjects))]
    order = round_order(names, "baseline", Random(seed))
    assert Counter(order) == Counter(names) + Counter(baseline=2)
    assert (order[0], order[-1]) == ("baseline", "baseline")
    assert order[1 + subjects // 2] == "baseline"


def test_orders_are_shuffled_and_repeatable() -> None:
    names = ["baseline", *"abcdefgh"]

    def orders(seed: int) -> list[list[str]]:
        random = Random(seed)
        return [round_order(names, "baseline", random) for _ in range(3)]

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)
    assert len({tuple(order) for order in orders(1)}) == 3


def reader(process: int, *taken: int) -> Reader:
    """Visits of 5 steps in 100 ns, of which others had a core for so long; then the last again."""
    rest = iter([*taken, *repeat(taken[-1], 9)])
    return Reader(process, lambda: Reading(5, 1000, 100, next(rest)))


def taken(visits: Sequence[Visit]) -> list[tuple[str, int, int, bool]]:
    return [(v.subject, v.order, v.taken_ns, v.repeated) for v in visits]


def test_visits_are_recorded_in_order_and_from_the_origin() -> None:
    readers = {"baseline": reader(0, 0), "a": reader(1, 0)}
    visits = measure(readers, ["baseline", "a"], 3, [], origin=900)
    assert [(v.subject, v.round, v.order, v.process, v.start_ns) for v in visits] == [
        ("baseline", 3, 0, 0, 100),
        ("a", 3, 1, 1, 100),
    ]
    assert {(v.steps, v.elapsed_ns) for v in visits} == {(5, 100)}


def test_a_disturbed_visit_is_repeated_and_the_calmest_counts() -> None:
    # More than 20 ns of 100 is a disturbance.
    assert len(attempts(reader(0, 20).read, 0.0)) == 1
    assert [each.taken_ns for each in attempts(reader(0, 60, 40, 0).read, 0.0)] == [60, 40]
    calm = measure({"a": reader(0, 0)}, ["a"], 0, [], origin=0)
    visits = measure({"a": reader(0, 60, 40)}, ["a"], 1, calm, origin=0)
    assert taken(visits) == [("a", 0, 60, True), ("a", 1, 40, False)]
    visits = measure({"a": reader(0, 40, 60)}, ["a"], 1, calm, origin=0)
    assert taken(visits) == [("a", 0, 40, False), ("a", 1, 60, True)]


def test_what_a_subject_always_waits_disturbs_nothing() -> None:
    """Small batches leave cores idle, and some hosts always take a share."""
    first = measure({"a": reader(0, 30)}, ["a"], 0, [], origin=0)
    assert len(first) == 1
    second = measure({"a": reader(0, 50, 52, 51)}, ["a", "a"], 1, first, origin=0)
    assert taken(second) == [("a", 0, 50, False), ("a", 1, 52, True), ("a", 2, 51, False)]


@pytest.mark.parametrize("count", range(6, 31))
def test_the_interval_that_stops_a_session_is_the_innermost_that_covers_enough(count: int) -> None:
    rank = outermost_rank(count)
    assert rank is not None
    # The median is outside where at most `rank` of the values lie on one side of it.
    outside = [2 * sum(comb(count, i) for i in range(r + 1)) / 2**count for r in (rank, rank + 1)]
    assert outside[0] <= 0.05 < outside[1]


def test_ratios_are_known_when_their_interval_is_narrow() -> None:
    # Six values bound their median by the smallest and the largest, 1.0609 = 1.03 squared.
    assert known([1.0, 1.01, 1.02, 1.03, 1.04, 1.06], 0.03)
    assert not known([1.0, 1.01, 1.02, 1.03, 1.04, 1.062], 0.03)
    assert not known([1.0] * 5, 0.03)
    # From nine on one outlier is left out.
    assert known([1.0] * 8 + [9.0], 0.03)
    assert not known([1.0] * 7 + [9.0], 0.03)


@pytest.mark.parametrize("spread", [0.01, 0.02, 0.03, 0.05])
def test_intervals_still_cover_when_rounds_end_as_soon_as_they_look_narrow(spread: float) -> None:
    random = np.random.default_rng(0)
    worlds = np.exp(spread * random.standard_t(4, size=(3000, 12)))
    covered = 0
    ended: dict[int, list[np.ndarray]] = {}
    for world in worlds:
        rounds = next(n for n in range(6, 13) if n == 12 or known(world[:n].tolist(), 0.03))
        ended.setdefault(rounds, []).append(world[:rounds])
    for found in ended.values():
        interval = median(np.array(found))
        covered += int(((interval.low <= 1) & (interval.high >= 1)).sum())
    assert 0.925 <= covered / len(worlds) <= 0.97


def test_the_version_of_torch_is_recorded_where_its_loop_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip leaves a package: a module, and beside it what says its version."""
    about = tmp_path / "torch-9.8.7.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.8.7\n")
    assert versions_beside(["fit", "nothing"]) == {}
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "torch.py").touch()
    assert versions_beside(["fit", "torch"]) == {"torch": "9.8.7"}
    assert versions_beside(["fit"]) == {}
