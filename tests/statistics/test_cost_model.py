import numpy as np
import pytest

from batchmark.statistics.cost_model import cost_model, fit_line
from tests.world import World

SIMULATIONS = 1000


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
