from random import Random

import numpy as np
import pandas as pd
import pytest

from batchmark.collecting.tidy import add_ratio_to_baseline, subject_rows, visit_rows
from batchmark.statistics.epoch_time import (
    EpochTimes,
    between_processes,
    check_product,
    epoch_times,
    noise,
)
from batchmark.statistics.intervals import Interval, median, product
from batchmark.timing.protocol import round_order
from tests.synthetic import MNIST, Truth, example_request, timing_result
from tests.world import World


def test_seconds_per_epoch_come_near_the_truth(world: World) -> None:
    data = world.data("batch_size")
    sizes = data.variants["batch_size"]
    expected = [world.truth.seconds_per_epoch(50_000, size) for size in sizes]
    found = np.median(data.ratios, axis=1) * data.baseline_seconds
    assert found == pytest.approx(expected, rel=0.08)
    ratios = np.array(expected) / world.truth.seconds_per_epoch(50_000, 100)
    assert np.median(data.ratios, axis=1) == pytest.approx(ratios, rel=0.03)


def test_the_noise_floor_covers_the_control(world: World) -> None:
    table = noise(world.measured.timings, world.measured.times)
    assert len(table) == len(world.request.studies)
    assert (table["noise_floor"] > 0).all()
    assert (table["noise_floor"] < 0.05).all()
    assert (table["baseline_drift"] < 0.2).all()
    assert (table["rounds"] == 7).all()


def visits_of(sessions: int, rounds: int, jitter: float) -> pd.DataFrame:
    """Sessions in the protocol's order on a drifting machine; every subject costs the same."""
    names = ["baseline", "control", "small", "large"]
    randoms = [Random(seed) for seed in range(sessions)]
    orders = [[round_order(names, "baseline", each) for _ in range(rounds)] for each in randoms]
    rows = [
        (f"session{session}", number, place, subject)
        for session, order in enumerate(orders)
        for number, subjects in enumerate(order)
        for place, subject in enumerate(subjects)
    ]
    table = pd.DataFrame(rows, columns=["study", "round", "order", "subject"])
    clock = table.groupby("study", sort=False).cumcount().to_numpy(float)
    noise = np.random.default_rng(0).normal(0, jitter, len(table))
    table["role"] = table["subject"].where(
        table["subject"].isin(["baseline", "control"]), "subject"
    )
    return table.assign(
        machine="local",
        device="cpu",
        threads=2,
        process=0,
        repeated=False,
        start_seconds=clock,
        seconds=1.0,
        seconds_per_epoch=(1 + 0.05 * np.sin(clock / 20)) * np.exp(noise),
    )


def subjects_of(visits: pd.DataFrame) -> pd.DataFrame:
    known = ["machine", "device", "study", "subject", "role", "threads"]
    facts = {"steps_per_epoch": 100, "examples_per_epoch": 1000, "flops_per_step": 1e6}
    listed = visits[known].drop_duplicates(ignore_index=True)
    return listed.assign(**facts, peak_flops_per_second=1e9, variants="")


@pytest.mark.parametrize("rounds", [7, 9])
def test_the_control_is_found_equal_to_the_baseline_as_often_as_it_should(rounds: int) -> None:
    timings = add_ratio_to_baseline(visits_of(1000, rounds, jitter=0.01))
    controls = noise(timings, epoch_times(timings, subjects_of(timings)))
    assert len(controls) == 1000
    assert 0.93 <= ((controls["low"] <= 1) & (controls["high"] >= 1)).mean() <= 0.97


def test_one_disturbed_visit_hardly_raises_the_noise_floor() -> None:
    calm = visits_of(1, 9, jitter=0.001)
    hit = (calm["subject"] == "control") & (calm["round"] == 4)
    disturbed = calm["seconds_per_epoch"].where(~hit, 3 * calm["seconds_per_epoch"])
    floors = []
    for visits in (calm, calm.assign(seconds_per_epoch=disturbed)):
        timings = add_ratio_to_baseline(visits)
        (control,) = noise(timings, epoch_times(timings, subjects_of(timings))).to_dict("records")
        floors.append(control["noise_floor"])
    # A reading three times too long; by Student's t on logarithms the floor would be 50 %.
    assert floors[1] < 0.01
    assert floors[0] <= floors[1]


def test_drift_is_the_largest_deviation_from_the_median_round() -> None:
    request = example_request(studies=("momentum",))
    place = {"machine": "local", "device": "cpu", "dataset": MNIST}
    random = np.random.default_rng(0)
    session = timing_result(request, request.studies[0], random, Truth(rounds=3), **place)
    timings = add_ratio_to_baseline(pd.DataFrame(visit_rows(session)))
    # Medians of 10, 9 and 12 seconds: the last is 20 % above that of the session.
    moved = timings["round"].map({0: 10.0, 1: 9.0, 2: 12.0})
    times = epoch_times(timings, pd.DataFrame(subject_rows(session)))
    (control,) = noise(timings.assign(seconds_per_epoch=moved), times).to_dict("records")
    assert control["baseline_drift"] == pytest.approx(0.2)


def test_every_thread_setting_has_its_own_subject() -> None:
    request = example_request(studies=("model",))
    place = {"machine": "local", "device": "cpu", "dataset": MNIST}
    random = np.random.default_rng(0)
    session = timing_result(request, request.studies[0], random, Truth(), threads=(1, 2), **place)
    timings = add_ratio_to_baseline(pd.DataFrame(visit_rows(session)))
    times = epoch_times(timings, pd.DataFrame(subject_rows(session)))
    listed = times.variants
    mine = listed[listed["variant"] == request.variants[0].id]
    assert sorted(mine["threads"]) == [1, 2]
    assert len(listed) == 2 * len(request.variants)


def two_processes(
    subjects: int, rounds: int, between: float, within: float, seed: int
) -> np.ndarray:
    """Log ratios [subject, round] of a true 0; rounds take turns between two processes."""
    random = np.random.default_rng(seed)
    effects = between * random.standard_normal((subjects, 2))
    return effects[:, np.arange(rounds) % 2] + within * random.standard_normal((subjects, rounds))


def test_what_processes_differ_by_is_the_rest_of_what_rounds_explain() -> None:
    """Means 1 and 3, variances within 2, of means of two 1: 2 - 1 is left, half of it of both."""
    turns = np.array([0.0, 1.0, 0.0, 1.0])
    logs = np.array([[0.0, 2.0, 2.0, 4.0]])
    # Student's 97.5 % quantile of one degree of freedom.
    assert between_processes(logs, turns) == pytest.approx(12.7062 * np.sqrt(1 / 2), rel=1e-4)
    assert between_processes(np.vstack([logs, logs]), turns) == pytest.approx(
        4.30265 * np.sqrt(1 / 2), rel=1e-4
    )


def test_processes_that_do_not_differ_widen_nothing() -> None:
    assert between_processes(np.array([[0.0, 2.0, 2.0, 0.0]]), np.array([0.0, 0, 1, 1])) == 0.0
    assert between_processes(np.array([[0.0, 2.0]]), np.array([0.0, 1.0])) == 0.0
    assert between_processes(np.array([[0.0, 2.0]]), np.array([0.0, 0.0])) == 0.0


@pytest.mark.parametrize(("between", "least"), [(0.0, 0.95), (0.01, 0.93), (0.03, 0.93)])
def test_intervals_cover_what_other_processes_would_have_given(
    between: float, least: float
) -> None:
    turns = (np.arange(8) % 2).astype(float)
    covered = []
    for seed in range(300):
        logs = two_processes(8, 8, between, 0.01, seed)
        half = between_processes(logs, turns)
        found = product(
            median(np.exp(logs)), Interval(np.ones(8), np.exp([-half] * 8), np.exp([half] * 8))
        )
        covered.append((found.low <= 1) & (found.high >= 1))
    assert least <= np.mean(covered) <= 0.99


def test_the_product_is_checked_with_the_same_seed_on_most_threads() -> None:
    place = {"machine": "m", "device": "cpu", "study": "s", "variant": "a"}
    timed = [{**place, "variants": "a", "threads": n, "seconds_per_epoch": 4.0 / n} for n in (1, 2)]
    times = EpochTimes(pd.DataFrame(timed).drop(columns="variant"), np.empty((2, 0)))
    outcomes = pd.DataFrame([{**place, "seed": n, "epochs_to_0.9": n + 0.5} for n in (0, 1)])
    runs = [
        {**place, "seed": 1, "target": 0.9, "epochs": 1.25, "seconds": 2.0, "reached": True},
        {**place, "seed": 1, "target": 0.9, "epochs": 9.0, "seconds": 18.0, "reached": False},
    ]
    (row,) = check_product(pd.DataFrame(runs), outcomes, times).to_dict("records")
    # One and a half epochs of two seconds for two that were measured.
    assert (row["epochs_to_target"], row["predicted_seconds"]) == (1.5, 3.0)
    assert row["predicted_over_measured"] == 1.5
    missed = outcomes.assign(**{"epochs_to_0.9": np.inf})
    (row,) = check_product(pd.DataFrame(runs), missed, times).to_dict("records")
    assert np.isnan(row["predicted_over_measured"])
