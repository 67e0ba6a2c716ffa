import numpy as np
import pandas as pd
import pytest

from batchmark.statistics.noise_scale import estimate, noise_scales, probes
from tests.world import World

SIMULATIONS = 1000
DIMENSIONS, SQUARED, TRACE, FULL = 50, 2.0, 100.0, 50_000


def draws(
    random: np.random.Generator, sizes: tuple[int, ...], count: int, rare: float = 1.0
) -> pd.DataFrame:
    """`rare`: the share of examples that have all of the noise."""
    rows = []
    full = np.zeros(DIMENSIONS)
    full[0] = SQUARED**0.5
    for size in sizes:
        noisy = random.binomial(size, rare, size=(count, 1)) / (size * rare)
        variance = TRACE / DIMENSIONS * (1 / size - 1 / FULL) * noisy
        gradients = full + random.normal(0, variance**0.5, size=(count, DIMENSIONS))
        norms = (gradients**2).sum(axis=1)
        rows += [{"batch_size": size, "draw": k, "squared_norm": n} for k, n in enumerate(norms)]
    place = {"machine": "local", "device": "cpu", "variant": "v", "moment": "final"}
    facts = {"epoch": 1.0, "full_size": FULL, "full_squared_norm": SQUARED}
    return pd.DataFrame(rows).assign(**place, **facts)


def test_two_batch_sizes_solve_for_signal_and_noise() -> None:
    # E|g_b|^2 = |G|^2 + tr / b at b = 10 and b = 100, by hand.
    squared, trace = estimate(np.array([2 + 10.0]), 10, np.array([2 + 1.0]), 100)
    assert squared == pytest.approx([2.0])
    assert trace == pytest.approx([100.0])


def test_the_noise_scale_is_covered() -> None:
    # One variant a simulation: the thousand simulations' draws, thirty at a time.
    drawn = draws(np.random.default_rng(0), (8, 64), 30 * SIMULATIONS)
    found = noise_scales(drawn.assign(variant=drawn["draw"] // 30))
    truth = TRACE / (SQUARED - TRACE / FULL)
    assert len(found) == SIMULATIONS
    inside = (found["noise_scale_low"] <= truth) & (truth <= found["noise_scale_high"])
    assert 0.92 <= inside.mean() <= 0.98


def test_noise_of_few_examples_is_covered_though_small_batches_miss_them() -> None:
    drawn = draws(np.random.default_rng(3), (1, 10, 100, 1000), 10 * SIMULATIONS, rare=0.05)
    found = noise_scales(drawn.assign(variant=drawn["draw"] // 10))
    truth = TRACE / (SQUARED - TRACE / FULL)
    inside = (found["noise_scale_low"] <= truth) & (truth <= found["noise_scale_high"])
    assert 0.92 <= inside.mean() <= 0.98
    assert found["noise_scale"].median() == pytest.approx(truth, rel=0.1)


def test_sizes_weigh_by_images_and_by_the_noise_in_their_norms() -> None:
    norms = {10: [11.0, 13.0] * 2, 1000: [2.04, 2.06] * 4}
    rows = [(size, k, norm) for size, drawn in norms.items() for k, norm in enumerate(drawn)]
    drawn = pd.DataFrame(rows, columns=["batch_size", "draw", "squared_norm"])
    place = {"machine": "local", "device": "cpu", "variant": "v", "moment": "final", "epoch": 1.0}
    found = noise_scales(drawn.assign(**place, full_size=10**9, full_squared_norm=2.0))
    # Traces 10 (12 - 2) and 1000 (2.05 - 2); noise is 5 / 6 of the norms at 10, 1 / 41 at 1000.
    weights = [4 * 10 * (5 / 6) ** 2, 8 * 1000 * (1 / 41) ** 2]
    expected = np.average([100.0, 50.0], weights=weights)
    assert found["trace"].item() == pytest.approx(expected, rel=1e-5)


def test_the_estimate_is_unbiased() -> None:
    random = np.random.default_rng(1)
    traces = [noise_scales(draws(random, (4,), 40))["trace"].iloc[0] for _ in range(200)]
    error = np.std(traces) / np.sqrt(len(traces))
    assert abs(np.mean(traces) - TRACE) < 3 * error


def test_batches_of_much_of_the_data_do_not_enter() -> None:
    few = noise_scales(draws(np.random.default_rng(2), (25_000,), 30))
    assert few.empty
    (mixed,) = noise_scales(draws(np.random.default_rng(2), (8, 25_000), 30)).to_dict("records")
    assert (mixed["batch_sizes"], mixed["draws"]) == ("8", 30)


def test_probes_are_means_over_draws(world: World) -> None:
    table = probes(world.measured.draws)
    mine = table[table["variant"] == table["variant"].iloc[0]]
    final = mine[mine["moment"] == "final"].sort_values("batch_size")
    assert final["cosine"].is_monotonic_increasing
    assert (final["cosine_low"] <= final["cosine"]).all()
    assert (final["draws"] == 72).all()
    # One example: nearly orthogonal to the next.
    assert abs(final["successive_cosine"].iloc[0]) < 0.1


def test_no_probes_make_empty_tables() -> None:
    nothing = draws(np.random.default_rng(0), (8,), 1).iloc[:0].assign(cosine=0.0)
    assert probes(nothing).empty
    assert noise_scales(nothing).empty
