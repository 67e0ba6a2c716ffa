import numpy as np
import pandas as pd
import pytest

from batchmark.analysis.epoch_time import epoch_times, noise
from batchmark.analysis.relative_timing import add_ratio_to_anchor
from batchmark.analysis.tidy import subject_rows, visit_rows
from tests.analysis.conftest import World
from tests.synthetic import MNIST, Truth, example_request, timing_result


def test_seconds_per_epoch_come_near_the_truth(world: World) -> None:
    block = world.block("batch_size")
    sizes = block.variants["batch_size"]
    expected = [world.truth.seconds_per_epoch(50_000, size) for size in sizes]
    found = np.median(block.ratios, axis=1) * block.anchor_seconds
    assert found == pytest.approx(expected, rel=0.08)
    ratios = np.array(expected) / world.truth.seconds_per_epoch(50_000, 100)
    assert np.median(block.ratios, axis=1) == pytest.approx(ratios, rel=0.03)


def test_the_noise_floor_covers_the_twin(world: World) -> None:
    table = noise(world.measured.timings, world.measured.times)
    assert len(table) == len(world.request.studies)
    assert (table["noise_floor"] > 0).all()
    assert (table["noise_floor"] < 0.05).all()
    assert (table["anchor_drift"] < 0.2).all()
    assert (table["rounds"] == 7).all()


def test_the_twin_is_found_equal_to_the_anchor_as_often_as_it_should() -> None:
    request = example_request(studies=("momentum",))
    inside = []
    for seed in range(150):
        random = np.random.default_rng(seed)
        place = {"machine": "local", "device": "cpu", "dataset": MNIST}
        block = timing_result(request, request.studies[0], random, Truth(rounds=6), **place)
        timings = add_ratio_to_anchor(pd.DataFrame(visit_rows(block)))
        times = epoch_times(timings, pd.DataFrame(subject_rows(block)))
        (twin,) = noise(timings, times).to_dict("records")
        inside.append(twin["low"] <= 1 <= twin["high"])
    assert 0.90 <= np.mean(inside) <= 0.99


def test_drift_is_the_largest_deviation_from_the_median_round() -> None:
    request = example_request(studies=("momentum",))
    place = {"machine": "local", "device": "cpu", "dataset": MNIST}
    random = np.random.default_rng(0)
    block = timing_result(request, request.studies[0], random, Truth(rounds=3), **place)
    timings = add_ratio_to_anchor(pd.DataFrame(visit_rows(block)))
    # Medians of 10, 9 and 12 seconds: the last is 20 % above that of the block.
    moved = timings["round"].map({0: 10.0, 1: 9.0, 2: 12.0})
    times = epoch_times(timings, pd.DataFrame(subject_rows(block)))
    (twin,) = noise(timings.assign(seconds_per_epoch=moved), times).to_dict("records")
    assert twin["anchor_drift"] == pytest.approx(0.2)


def test_every_thread_setting_has_its_own_subject() -> None:
    request = example_request(studies=("model",))
    place = {"machine": "local", "device": "cpu", "dataset": MNIST}
    random = np.random.default_rng(0)
    block = timing_result(request, request.studies[0], random, Truth(), threads=(1, 2), **place)
    timings = add_ratio_to_anchor(pd.DataFrame(visit_rows(block)))
    times = epoch_times(timings, pd.DataFrame(subject_rows(block)))
    listed = times.variants
    mine = listed[listed["variant"] == request.variants[0].id]
    assert sorted(mine["threads"]) == [1, 2]
    assert len(listed) == 2 * len(request.variants)
