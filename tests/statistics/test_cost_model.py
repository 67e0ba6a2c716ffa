from collections.abc import Callable

import numpy as np
import pytest

from batchmark.statistics.cost_model import REACH, Course, cost_model, critical_size, fit_line
from tests.world import World

SIMULATIONS = 1000
RACED = (16, 64, 256)


def test_a_line_without_noise_is_found_exactly() -> None:
    x = np.array([1.0, 2.0, 5.0, 10.0])
    line = fit_line(x, 3 + 0.5 * x)
    assert line.intercept[0] == pytest.approx(3)
    assert line.slope[0] == pytest.approx(0.5)
    assert line.r_squared == pytest.approx(1)


@pytest.mark.parametrize("count", [5, 10])
def test_the_intervals_of_a_line_cover(count: int) -> None:
    random = np.random.default_rng(0)
    x = np.geomspace(5, 2000, count)
    inside = []
    for _ in range(SIMULATIONS):
        y = 0.8 * (1 + x / 150) * np.exp(random.normal(0, 0.08, count))
        line = fit_line(x, y)
        critical = line.intercept / line.slope
        low, high = np.quantile(critical[1:], [0.025, 0.975])
        inside.append(low <= 150 <= high)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_model_recovers_the_truth(world: World) -> None:
    row = cost_model(world.data("batch_size")).to_dict("records")[0]
    truth = world.truth
    for name, expected in [
        ("e_min", truth.epochs_min),
        ("b_crit", truth.critical_batch),
        ("c", truth.seconds_per_example),
        ("o", truth.seconds_per_step),
        ("best_batch_size", truth.best_batch()),
    ]:
        assert row[name] == pytest.approx(expected, rel=0.15)
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    assert row["excluded_sizes"].startswith("1;2;")
    assert row["cost_at_1000"] > row["cost_at_128"] > 1


def test_every_target_has_a_model(world: World) -> None:
    data = world.data("batch_size")
    table = cost_model(data)
    assert table["target"].tolist() == data.targets
    # A lower target takes fewer epochs; what a step costs does not depend on it.
    assert table.sort_values("target")["e_min"].is_monotonic_increasing
    assert table["o"].nunique() == 1


def test_the_cost_of_a_size_by_hand(world: World) -> None:
    row = cost_model(world.data("batch_size")).to_dict("records")[0]
    time = {b: (1 + b / row["b_crit"]) * (row["c"] + row["o"] / b) for b in (32, 1000)}
    best = row["best_batch_size"]
    least = (1 + best / row["b_crit"]) * (row["c"] + row["o"] / best)
    assert row["cost_at_32"] == pytest.approx(time[32] / least)
    assert row["cost_at_1000"] == pytest.approx(time[1000] / least)


def test_too_few_sizes_make_no_model(world: World) -> None:
    assert cost_model(world.data("momentum")).empty


def course(pace: float, epochs: float = 1.2, looks: int = 60) -> Course:
    """Losses that fall from 2 as the inverse root of the progress, `pace` epochs a unit of it."""
    at = np.linspace(epochs / looks, epochs, looks)
    return Course(at, 2 / np.sqrt(1 + 20 * at / pace))


def raced(pace: Callable[[int], float], epochs: float = 1.2) -> float | None:
    return critical_size({size: [course(pace(size), epochs)] * 2 for size in RACED})


@pytest.mark.parametrize("critical", [30.0, 100.0, 500.0])
def test_epochs_to_a_common_loss_tell_the_critical_size(critical: float) -> None:
    # Every size makes 1 + B / B_crit times fewer steps of progress an epoch.
    assert raced(lambda size: 1 + size / critical) == pytest.approx(critical, rel=0.05)


def test_seeds_are_averaged_geometrically() -> None:
    courses = {size: [course((1 + size / 100) * luck) for luck in (0.8, 1 / 0.8)] for size in RACED}
    assert critical_size(courses) == pytest.approx(100, rel=0.1)


def test_what_does_not_grow_is_told_to_within_reach() -> None:
    assert raced(lambda size: 1.0) == pytest.approx(RACED[-1] * REACH)
    assert raced(lambda size: 1 / size) == RACED[-1] * REACH
    assert raced(lambda size: size**2.0, epochs=1e4) == RACED[0] / REACH


def test_too_few_sizes_or_none_that_learn_tell_nothing() -> None:
    flat = Course(np.array([0.5, 1.0]), np.array([2.3, 2.3]))
    broken = Course(np.array([0.5, 1.0]), np.array([np.nan, np.inf]))
    known = {size: [course(1.0)] for size in RACED[:2]}
    for last in ({}, {256: [flat]}, {256: [broken]}, {256: []}):
        assert critical_size({**known, **last}) is None
