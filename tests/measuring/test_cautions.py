"""Each caution on readings made for it."""

import numpy as np
import pytest

from batchmark.measuring.cautions import find_cautions, modified_z
from batchmark.results.timing import Visit

QUIET = {
    "load": [0.5, 0.5, 0.5],
    "frequency_mhz": [3000.0, 3000.0],
    "busy_seconds": 100.0,
    "stolen_seconds": 1.0,
    "own_seconds": 2.0,
    "elapsed_seconds": 1000.0,
    "cgroup_throttled": 0,
    "thermal_throttled": None,
    "gpus": [],
}
# Ten seconds later, in which this process kept both cores busy.
LATER = QUIET | {"busy_seconds": 120.0, "own_seconds": 22.0, "elapsed_seconds": 1010.0}


def visits(subject, *step_times):
    return [
        Visit(subject=subject, round=i, order=0, steps=10, start_ns=0, elapsed_ns=10 * time)
        for i, time in enumerate(step_times)
    ]


STEADY = visits("anchor", 100, 101, 99, 100, 100, 101, 99)


def codes(readings=STEADY, before=QUIET, after=LATER):
    return [caution.code for caution in find_cautions(readings, "anchor", before, after)]


def test_a_steady_block_on_a_quiet_machine_has_none():
    assert codes() == []


def test_drift_of_the_anchor_over_five_percent():
    assert codes(visits("anchor", 98, 100, 102, 104)) == []
    assert "drift" in codes(visits("anchor", 100, 101, 102, 108))


def test_spread_over_ten_percent_names_the_subject():
    # Mean 100, standard deviation 20.
    readings = STEADY + visits("a", 80, 100, 120)
    (caution,) = find_cautions(readings, "anchor", QUIET, LATER)
    assert (caution.code, caution.subject, "20%" in caution.text) == ("spread", "a", True)


def test_an_outlier_is_counted():
    # Median 100, MAD 1: the last reading has modified z = 0.6745 * 6 = 4.05.
    readings = visits("anchor", 98, 99, 100, 101, 100, 101, 106)
    cautions = find_cautions(readings, "anchor", QUIET, LATER)
    (outlier,) = [caution for caution in cautions if caution.code == "outliers"]
    assert outlier.text.startswith("1 of 7 visits")


def test_modified_z_without_spread():
    assert modified_z(np.array([5.0, 5.0, 5.0])).tolist() == [0, 0, 0]
    assert modified_z(np.array([5.0, 5.0, 9.0]))[2] > 1e6


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"busy_seconds": 122.0}, "busy"),
        ({"busy_seconds": 120.5, "stolen_seconds": 1.5}, "stolen"),
        ({"cgroup_throttled": 3}, "throttled"),
        ({"thermal_throttled": 2}, "throttled"),
        ({"gpus": [{"slowed_by": ["power limit"]}]}, "throttled"),
        ({"frequency_mhz": [3000.0, 2500.0]}, "slowed"),
    ],
)
def test_a_disturbed_machine(change, code):
    assert codes(after=LATER | change) == [code]


def test_own_work_is_no_disturbance():
    assert codes(after=LATER | {"busy_seconds": 120.9}) == []
