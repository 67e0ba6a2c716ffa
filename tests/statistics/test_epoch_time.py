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
    over_rounds,
    without_outliers,
)
from batchmark.statistics.intervals import EXACT, median, product, student_of
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


def slow_states(count: int, random: np.random.Generator) -> np.ndarray:
    """Noise of visits as two threads on two virtual cores have it: 10 %, and the next alike.

    As recorded, neighbours correlate by a half, and slow visits are further away than fast ones.
    """
    states = (random.gamma(2.0, 1.0, count) - 2) / 2**0.5
    for place in range(1, count):
        states[place] = 0.65 * states[place - 1] + 0.76 * states[place]
    return 0.09 * states + 0.04 * random.standard_normal(count)


def visits_of(
    sessions: int, rounds: int, jitter: float, noise: np.ndarray | None = None
) -> pd.DataFrame:
    """Sessions in the protocol's order on a drifting machine; every subject costs the same.

    `noise`: of all their logarithms in order, normal with deviation `jitter` where not given.
    """
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
    if noise is None:
        noise = np.random.default_rng(0).normal(0, jitter, len(table))
    table["role"] = table["subject"].where(
        table["subject"].isin(["baseline", "control"]), "subject"
    )
    return table.assign(
        machine="local",
        device="cpu",
        threads=2,
        loop="graph",
        process=0,
        repeated=False,
        start_seconds=clock,
        seconds=1.0,
        seconds_per_epoch=(1 + 0.05 * np.sin(clock / 20)) * np.exp(noise),
    )


def subjects_of(visits: pd.DataFrame) -> pd.DataFrame:
    known = ["machine", "device", "study", "subject", "role", "threads", "loop"]
    facts = {"steps_per_epoch": 100, "examples_per_epoch": 1000, "flops_per_step": 1e6}
    listed = visits[known].drop_duplicates(ignore_index=True)
    return listed.assign(**facts, peak_flops_per_second=1e9, variants="")


@pytest.mark.parametrize("rounds", [7, 9])
def test_the_control_is_found_equal_to_the_baseline_as_often_as_it_should(rounds: int) -> None:
    timings = add_ratio_to_baseline(visits_of(1000, rounds, jitter=0.01))
    controls = noise(timings, epoch_times(timings, subjects_of(timings)))
    assert len(controls) == 1000
    assert 0.93 <= ((controls["low"] <= 1) & (controls["high"] >= 1)).mean() <= 0.97


@pytest.mark.parametrize("rounds", [4, 8, 19])
def test_and_where_the_machine_has_slow_states(rounds: int) -> None:
    sessions = 600
    noise_of_visits = slow_states(sessions * rounds * 6, np.random.default_rng(rounds))
    timings = add_ratio_to_baseline(visits_of(sessions, rounds, 0.0, noise_of_visits))
    times = epoch_times(timings, subjects_of(timings)).subjects
    covered = (times["ratio_low"] <= 1) & (times["ratio_high"] >= 1)
    shares = covered.groupby(times["role"]).mean()
    assert 0.93 <= shares["control"] <= 0.97
    assert 0.93 <= shares["subject"] <= 0.97


def test_rounds_of_alike_subjects_tell_their_variance_together() -> None:
    """Variances 4/3 in four rounds; not correlated, they have six degrees of freedom."""
    logs = np.array([[0.0, 2, 0, 2], [0.0, 0, 2, 2]])
    mean, low, high = over_rounds(logs, logs)
    half = 2.44691 * (1 / 3) ** 0.5
    assert mean == pytest.approx([1.0, 1.0])
    assert high - mean == pytest.approx([half, half], rel=1e-5)
    assert mean - low == pytest.approx([half, half], rel=1e-5)


def test_what_moves_together_is_counted_once_and_the_baseline_never_moves() -> None:
    # Variances 2, fully correlated: of four values one difference is left.
    logs = np.array([[0.0, 2.0], [5.0, 7.0], [0.0, 0.0]])
    mean, low, high = over_rounds(logs, logs)
    assert mean == pytest.approx([1.0, 6.0, 0.0])
    assert high - low == pytest.approx([2 * 12.7062, 2 * 12.7062, 0.0], rel=1e-5)


def test_outliers_come_as_near_as_the_others_make_likely() -> None:
    """Distances from medians are 1 and once 99: their median is 1, 3.5 / 0.6745 the limit."""
    logs = np.array([[1.0, 2.0, 3.0], [11.0, 12.0, 111.0], [0.0, 0.0, 0.0]])
    calm = np.array([[1.0, 2.0, 3.0], [11.0, 12.0, 12 + 3.5 / 0.6745], [0.0, 0.0, 0.0]])
    assert without_outliers(logs) == pytest.approx(calm)


def test_one_disturbed_visit_hardly_raises_the_noise_floor() -> None:
    calm = visits_of(1, 9, jitter=0.001)
    hit = (calm["subject"] == "control") & (calm["round"] == 4)
    disturbed = calm["seconds_per_epoch"].where(~hit, 3 * calm["seconds_per_epoch"])
    floors = []
    for visits in (calm, calm.assign(seconds_per_epoch=disturbed)):
        timings = add_ratio_to_baseline(visits)
        (control,) = noise(timings, epoch_times(timings, subjects_of(timings))).to_dict("records")
        floors.append(control["noise_floor"])
    # A reading three times too long; left where it is, the floor would be 50 %.
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
    assert between_processes(logs, turns) == pytest.approx((0, 1 / 2, 1))
    assert between_processes(np.vstack([logs, logs]), turns) == pytest.approx((0, 1 / 2, 2))


def test_processes_that_do_not_differ_widen_nothing() -> None:
    assert between_processes(np.array([[0.0, 2.0, 2.0, 0.0]]), np.array([0.0, 0, 1, 1])) == EXACT
    assert between_processes(np.array([[0.0, 2.0]]), np.array([0.0, 1.0])) == EXACT
    assert between_processes(np.array([[0.0, 2.0]]), np.array([0.0, 0.0])) == EXACT


@pytest.mark.parametrize(("between", "least"), [(0.0, 0.95), (0.01, 0.93), (0.03, 0.93)])
def test_intervals_cover_what_other_processes_would_have_given(
    between: float, least: float
) -> None:
    turns = (np.arange(8) % 2).astype(float)
    covered = []
    for seed in range(300):
        logs = two_processes(8, 8, between, 0.01, seed)
        found = product(median(np.exp(logs)), student_of(between_processes(logs, turns)).exp())
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
