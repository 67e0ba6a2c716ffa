"""Each warning on readings made for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from batchmark.contract.timing import ResultWarning, Visit
from batchmark.timing.warnings import find_warnings, modified_z

QUIET = {
    "load": [0.5, 0.5, 0.5],
    "frequency_mhz": [3000.0, 3000.0],
    "busy_seconds": 100.0,
    "stolen_seconds": 1.0,
    "own_seconds": 2.0,
    "elapsed_seconds": 1000.0,
    "cgroup_throttled": 0,
    "thermal_throttled": None,
}
# Ten seconds later, in which this process kept both cores busy.
LATER = QUIET | {"busy_seconds": 120.0, "own_seconds": 22.0, "elapsed_seconds": 1010.0}


def visits(**step_times: Sequence[int]) -> list[Visit]:
    """In each round a baseline visit, one of every subject, another of the baseline; 10 steps each.

    The two of the baseline take the same time, so that it is the same for all in between.
    """
    baseline = step_times.pop("baseline")
    return [
        Visit(
            subject=subject,
            round=number,
            order=place,
            process=0,
            steps=10,
            start_ns=10_000 * place,
            elapsed_ns=10 * times[number],
            taken_ns=0,
            repeated=False,
        )
        for number in range(len(baseline))
        for place, (subject, times) in enumerate(
            [("baseline", baseline), *step_times.items(), ("baseline", baseline)]
        )
    ]


STEADY = visits(baseline=(100, 101, 99, 100, 100, 101, 99))


def find(
    readings: list[Visit] = STEADY,
    before: dict[str, Any] = QUIET,
    after: dict[str, Any] = LATER,
    gpus: Sequence[dict[str, Any]] = (),
) -> list[ResultWarning]:
    return find_warnings(readings, "baseline", before, after, gpus)


def codes(*arguments: Any, **options: Any) -> list[str]:
    return [warning.code for warning in find(*arguments, **options)]


def test_a_steady_session_on_a_quiet_machine_has_none() -> None:
    assert codes() == []


def test_drift_of_the_baseline_over_five_percent() -> None:
    assert codes(visits(baseline=(98, 100, 102, 104))) == []
    assert codes(visits(baseline=(100, 101, 102, 108))) == ["drift"]


def test_what_slows_the_baseline_as_well_is_neither_spread_nor_outlier() -> None:
    baseline = (100, 101, 99, 100, 150, 101, 99)
    assert codes(visits(baseline=baseline, a=[2 * time for time in baseline])) == ["drift"]


def test_spread_over_ten_percent_names_the_subjects() -> None:
    # Mean 1, standard deviation 0.2 and 0.3; the last one's is 0.05.
    shares = {"a": (80, 100, 120), "b": (70, 100, 130), "c": (95, 100, 105)}
    (warning,) = find(visits(baseline=(100, 100, 100), **shares))
    assert warning.code == "spread"
    assert warning.text.endswith(": b (30%), a (20%).")


def test_a_long_list_is_cut() -> None:
    wide = dict.fromkeys("abcde", (80, 100, 120))
    (warning,) = find(visits(baseline=(100, 100, 100), **wide))
    assert warning.text.endswith(": a (20%), b (20%), c (20%) and 2 more.")


def test_an_outlier_is_counted() -> None:
    # Median 1, MAD 0.01: the last ratio has modified z = 0.6745 * 6 = 4.05.
    readings = visits(baseline=[100] * 7, a=(98, 99, 100, 101, 100, 101, 106))
    (warning,) = find(readings)
    assert warning.code == "outliers"
    # 7 times of the subject, 14 of the baseline relative to its other visit.
    assert warning.text.startswith("1 of 21 times")
    assert warning.text.endswith(": a (1).")


def test_modified_z_without_spread() -> None:
    assert modified_z(np.array([5.0, 5.0, 5.0])).tolist() == [0, 0, 0]
    assert modified_z(np.array([5.0, 5.0, 9.0]))[2] > 1e6


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"busy_seconds": 122.0}, "busy"),
        ({"busy_seconds": 120.5, "stolen_seconds": 1.5}, "stolen"),
        ({"cgroup_throttled": 3}, "throttled"),
        ({"thermal_throttled": 2}, "throttled"),
        ({"frequency_mhz": [3000.0, 2500.0]}, "slowed"),
    ],
)
def test_a_disturbed_machine(change: dict[str, Any], code: str) -> None:
    assert codes(after=LATER | change) == [code]


def test_own_work_is_no_disturbance() -> None:
    assert codes(after=LATER | {"busy_seconds": 120.9}) == []


def test_a_gpu_that_was_slowed_in_some_round() -> None:
    rounds = [{"slowed_by": []}, {"slowed_by": ["power limit"]}, {"slowed_by": ["temperature"]}]
    (warning,) = find(gpus=rounds)
    assert warning.text == "The GPU was slowed by its power limit and temperature."
    assert codes(gpus=rounds[:1]) == []


def test_repeated_visits_are_counted_and_make_no_other_warning() -> None:
    odd = STEADY[1].model_copy(update={"elapsed_ns": 9000, "taken_ns": 8000, "repeated": True})
    (warning,) = find([*STEADY, odd])
    assert warning.code == "repeated"
    assert f"1 of {len(STEADY) + 1} clock readings" in warning.text
