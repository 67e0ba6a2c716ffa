"""Coverage is checked on 1,000 simulations with known truth; hand-made numbers elsewhere."""

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from batchmark.statistics.intervals import (
    Interval,
    bootstrap_median,
    columns,
    counting_variance,
    crossed,
    false_discovery,
    first_seen,
    from_columns,
    grid_variance,
    holm,
    mean_of,
    median,
    of_draws,
    product,
    student,
    total,
    wilson,
)

SIMULATIONS = 1000


def coverage(interval: Interval, truth: float | NDArray[np.float64]) -> float:
    return float(np.mean((interval.low <= truth) & (truth <= interval.high)))


def lognormal(count: int, seed: int = 3, spread: float = 0.2) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return np.exp(random.normal(0, spread, size=(SIMULATIONS, count)))


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 9, 10, 13, 20, 40])
def test_intervals_of_the_median_cover(count: int) -> None:
    assert 0.93 <= coverage(median(lognormal(count)), 1.0) <= 0.97


@pytest.mark.parametrize("count", [2, 3, 10])
def test_student_covers_and_agrees_with_scipy(count: int) -> None:
    sample = np.random.default_rng(1).normal(2.0, 3.0, size=(SIMULATIONS, count))
    found = student(sample)
    assert 0.93 <= coverage(found, 2.0) <= 0.97
    expected = scipy.stats.ttest_1samp(sample[0], 0).confidence_interval(0.95)
    assert (found.low[0], found.high[0]) == pytest.approx(expected)


def test_one_value_has_no_interval() -> None:
    found = student([5.0])
    assert found.estimate == 5
    assert np.isnan([found.low, found.high]).all()


def test_a_percentile_bootstrap_of_three_values_would_not_cover() -> None:
    assert coverage(bootstrap_median(lognormal(3)), 1.0) < 0.8


def test_a_median_keeps_its_misses() -> None:
    found = median([1.0, 2.0, np.inf])
    assert found.estimate == 2
    # Three values, one of them a miss: P(all three on one side) = 1/4, no bound at 95 %.
    assert (found.low, found.high) == (0, np.inf)
    assert median([1.0, np.inf, np.inf]).estimate == np.inf


def test_misses_among_many_are_bounded_by_the_sign_test() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, np.inf]
    found = median(values)
    # Binomial(9, 1/2): at most one below has p = 10 / 512 <= 0.025, at most two 46 / 512. So 2 to 8
    # covers 492 / 512 and 3 to 7 420 / 512; 95 % = 486.4 / 512 lies 5.6 / 72 of the way between,
    # at 7 * (5.6 / 72) / (2 + 5 * (5.6 / 72)) of the distance (Hettmansperger & Sheather 1986).
    inward = 7 * (5.6 / 72) / (2 + 5 * (5.6 / 72))
    assert (found.estimate, found.low) == (5.0, pytest.approx(2 + inward))
    assert found.high == pytest.approx(8 - inward)


def test_one_outlier_of_seven_hardly_widens_the_interval() -> None:
    quiet = median([0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.03])
    disturbed = median([0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.30])
    assert disturbed.low == quiet.low
    # 27 % of the way from the second largest to the largest: 1.02 + 0.27 * 0.28.
    assert disturbed.high == pytest.approx(1.094, abs=0.002)


@pytest.mark.parametrize("count", [3, 6, 8, 9, 12])
@pytest.mark.parametrize(("limit", "truth"), [(0.95, np.inf), (1.1, 1.0)])
def test_misses_are_covered(count: int, limit: float, truth: float) -> None:
    # More than half miss beyond 0.95, where the median is a miss. Fewer values are not bounded.
    sample = lognormal(count)
    limited = np.where(sample > limit, np.inf, sample)
    found = median(limited)
    missed = np.isinf(limited).any(axis=1)
    assert coverage(found, truth) >= 0.93
    assert coverage(Interval(*(part[missed] for part in found)), truth) >= 0.93


@pytest.mark.parametrize("count", [2, 3, 5, 6, 9])
@pytest.mark.parametrize("step", [0.1, 0.4])
def test_values_off_a_grid_are_covered_as_they_were_before(count: int, step: float) -> None:
    # Conservative by construction, the more so the coarser the grid: no upper limit.
    phase = np.random.default_rng(4).uniform(0, step, size=(SIMULATIONS, 1))
    crossed = phase + 2 * lognormal(count, spread=0.1)
    found = median(np.ceil(crossed / step) * step, step)
    assert coverage(found, 2.0 + phase[:, 0]) >= 0.93


def test_equal_values_off_a_grid_still_have_an_interval() -> None:
    found = median([2.0, 2.0, 2.0], steps=0.5)
    # Crossed half a step before, at 1.75, with the same error for all three.
    error = 0.5 / np.sqrt(12) / 1.75
    half = scipy.stats.t.ppf(0.975, 2) * error
    assert found.high == pytest.approx(1.75 * np.exp(half))
    assert found.low == pytest.approx(1.75 * np.exp(-half))


def test_missing_values_are_no_values() -> None:
    found = median(np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 4.0], [np.nan] * 3]))
    assert found.estimate[:2].tolist() == [2.0, 2.5]
    assert np.isnan(found.estimate[2])


def test_wilson_agrees_with_scipy() -> None:
    for successes, trials in [(0, 3), (2, 3), (3, 3), (7, 10)]:
        found = wilson(successes, trials)
        expected = scipy.stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.04: times 3, 2, 1, then never below the one before.
    assert holm([0.04, 0.01, np.nan, 0.02]).tolist() == pytest.approx(
        [0.04, 0.03, np.nan, 0.04], nan_ok=True
    )


def test_false_discovery_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.04, 0.9: times 4/1, 4/2, 4/3, 4/4, then never above the one behind.
    found = false_discovery([0.04, 0.01, np.nan, 0.02, 0.9])
    assert found == pytest.approx([0.16 / 3, 0.04, np.nan, 0.04, 0.9], nan_ok=True)


def test_holm_keeps_the_family_wise_error() -> None:
    p = np.random.default_rng(0).random((SIMULATIONS, 10))
    wrong = np.mean([(holm(row) < 0.05).any() for row in p])
    assert wrong <= 0.07


@pytest.mark.parametrize(("trials", "rounds"), [(3, 7), (5, 9), (6, 7), (9, 15)])
def test_the_product_of_two_estimates_covers(trials: int, rounds: int) -> None:
    # Conservative by construction: MOVER adds squared distances, which with Student's few degrees
    # of freedom or discrete order statistics are further than the normal's; up to 97 % in truth.
    one, other = lognormal(trials, 5), lognormal(rounds, 6, spread=0.1)
    found = product(median(one), median(other))
    assert 0.93 <= coverage(found, 1.0) <= 0.98


def test_a_product_with_an_exact_factor_is_scaled() -> None:
    found = product(Interval(2.0, 1.0, 4.0), Interval(3.0, 3.0, 3.0))
    assert (found.estimate, found.low, found.high) == pytest.approx((6, 3, 12))


def test_a_sum_of_means_covers_and_agrees_with_welch() -> None:
    random = np.random.default_rng(6)
    one = random.normal(1.0, 2.0, size=(SIMULATIONS, 4))
    other = random.normal(-1.0, 0.5, size=(SIMULATIONS, 7))
    found = total(mean_of(one), mean_of(other))
    assert 0.93 <= np.mean((found.low <= 0) & (found.high >= 0)) <= 0.97
    expected = scipy.stats.ttest_ind(one[0], -other[0], equal_var=False)
    assert found.p[0] == pytest.approx(expected.pvalue)
    assert found.low[0] == pytest.approx(expected.confidence_interval().low)


def test_a_mean_skips_what_is_missing() -> None:
    found = total(mean_of([1.0, 2.0, 3.0, np.nan]))
    assert found.estimate == 2
    assert found.p == pytest.approx(scipy.stats.ttest_1samp([1, 2, 3], 0).pvalue)
    assert np.isnan(total(mean_of([1.0, np.nan])).p)


def test_equal_differences_are_counted_by_the_sign_test() -> None:
    """n of n on one side: 2 / 2^n by chance. Three say nothing, six decide."""
    few, many = total(mean_of([0.1, 0.1, 0.1])), total(mean_of([0.1] * 6))
    assert few.p == pytest.approx(0.25)
    assert np.isnan([few.low, few.high]).all()
    assert many.p == pytest.approx(1 / 32)
    assert (many.low, many.high) == pytest.approx((0.1, 0.1))
    assert total(mean_of([0.0, 0.0, 0.0])).p == 1


def test_readings_are_late_by_half_a_step_but_the_first_which_is_a_bound() -> None:
    found = crossed([0.5, 1.0, 2.0, np.inf, np.nan], [0.5, 0.5, 1.0, 0.0, 0.0])
    assert found.tolist() == pytest.approx([0.5, 0.75, 1.5, np.inf, np.nan], nan_ok=True)
    assert first_seen([0.5, 1.0, np.inf], [0.5, 0.5, 0.0]).tolist() == [True, False, False]


def test_the_grid_adds_the_variance_of_its_spacing() -> None:
    readings = np.array([[2.0, 2.25, np.inf], [np.inf] * 3])
    # Uniform over a step of 0.5: 0.25 / 12, relative to the square of 1.75.
    steps = np.array([[0.5, 0.5, 0.0], [0.0] * 3])
    assert grid_variance(readings, steps) == pytest.approx([0.25 / 12 / 1.75**2, 0])


@pytest.mark.parametrize("count", [3, 6, 10])
def test_many_seeds_that_agree_within_a_step_share_its_rounding(count: int) -> None:
    """A tenth of a step apart: the mean's error is the grid's, however many there are."""
    random = np.random.default_rng(9)
    place = random.uniform(5, 6, size=(SIMULATIONS, 1))
    values = place + random.normal(0, 0.1, size=(SIMULATIONS, count))
    found = total(mean_of(np.ceil(values) - 0.5, 1 / 12))
    assert coverage(Interval(found.estimate, found.low, found.high), place[:, 0]) >= 0.93


@pytest.mark.parametrize("count", [3, 5, 10, 30])
def test_ratios_of_readings_cover_the_ratio_of_crossings(count: int) -> None:
    """A short run against one three times as long, both seen at the same evaluations."""
    random = np.random.default_rng(10)
    logs, known = [], 0.0
    for epochs in (1.5, 4.5):
        readings = np.ceil(epochs * np.exp(random.normal(0, 0.15, (SIMULATIONS, count))))
        logs.append(np.log(crossed(readings, np.ones_like(readings))))
        known += 1 / 12 / epochs**2
    found = total(mean_of(logs[1] - logs[0], known))
    assert coverage(Interval(found.estimate, found.low, found.high), np.log(3)) >= 0.93


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_differences_of_counts_are_not_certain_by_chance(seeds: int, spread: float) -> None:
    # Two counts of 10,000 images: without the grid's variance, two seeds and a spread of half an
    # image, 12 % of the pairs of differences agree by chance and are called certain.
    random = np.random.default_rng(8)
    counts = np.round(random.normal(80.4, spread, size=(2, 10 * SIMULATIONS, seeds)))
    changes = (counts[0] - counts[1]) / 10_000
    found = total(mean_of(changes, 2 * counting_variance(10_000)))
    assert np.mean(found.p < 0.05) <= 0.055


def test_the_variance_of_counting_by_hand() -> None:
    # Uniform over a width of 1 / 500: the square of the width over 12.
    assert counting_variance([500, 10_000]) == pytest.approx([1 / 3e6, 1 / 1.2e9])
    # Two seeds, 10 images of 10,000 each: error 1e-4 / sqrt(6), one degree of freedom.
    found = total(mean_of([0.001, 0.001], 2 * counting_variance(10_000)))
    t = 0.001 / (1e-4 / np.sqrt(6))
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(t, 1))


def test_infinite_bounds_are_empty_columns() -> None:
    made = columns("x", Interval(1.0, 0.5, np.inf))
    assert made["x_low"] == 0.5
    assert np.isnan(made["x_high"])
    assert made["x_unbounded"]
    assert not columns("x", Interval(1.0, 0.5, np.nan))["x_unbounded"]


def test_columns_can_be_read_back() -> None:
    # Known, half open, missed and not measured.
    written = Interval(*np.array([[1, 2, np.inf, np.nan], [0.5, 1, 0, np.nan],
                                  [2, np.inf, np.inf, np.nan]]))  # fmt: skip
    read = from_columns("x", columns("x", written))
    np.testing.assert_array_equal(np.array(read), np.array(written))


def test_a_product_with_an_open_factor_is_open() -> None:
    found = product(
        Interval(np.array([2.0, np.inf, np.inf]), np.array([0.0, 1.0, 1.0]), np.full(3, np.inf)),
        Interval(*np.array([[3.0, 3.0, np.nan]] * 3)),
    )
    assert found.estimate[:2].tolist() == [6, np.inf]
    assert found.low[0] == 0
    # Not timed is not known, rather than open.
    assert found.high.tolist() == pytest.approx([np.inf, np.inf, np.nan], nan_ok=True)


def test_draws_give_the_bounds_that_all_but_one_in_twenty_lie_between() -> None:
    # Of 100 draws 2.5 are below and 2.5 above: the third and the 98th bound the rest.
    draws = np.array([7.0, *range(100, 0, -1), np.nan])
    assert of_draws(draws) == (7, 3, 98)
    assert np.isnan(of_draws(np.array([7.0, np.nan]))[1:]).all()


def test_the_interval_of_draws_holds_the_estimate() -> None:
    costs = np.array([1.0, *np.linspace(1.2, 1.4, 100)])
    assert of_draws(costs) == (1.0, 1.0, pytest.approx(1.394, abs=0.01))
    assert of_draws(np.array([9.0, 3.0, 4.0])) == (9.0, 3.0, 9.0)
