"""The rules that every claim is built of, on simulations with a known truth."""

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats

from batchmark.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    cross_fitted,
    decide,
    limited,
    negated,
)

SIMULATIONS = 1000
MARGIN = 0.1
SPREAD = 0.05
SEEDS = [3, 5, 10]


def share(verdicts: Sequence[str], wanted: str) -> float:
    return verdicts.count(wanted) / len(verdicts)


def simulate(effect: float, seeds: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(effect, SPREAD, size=(SIMULATIONS, seeds))


@pytest.mark.parametrize("seeds", SEEDS)
def test_no_more_than_five_percent_are_supported_without_an_effect(seeds: int) -> None:
    for effect in (0.0, MARGIN):
        verdicts = [decide(row, MARGIN).verdict for row in simulate(effect, seeds)]
        assert share(verdicts, "supported") <= 0.05


@pytest.mark.parametrize("seeds", SEEDS)
def test_no_more_than_five_percent_are_refuted_when_the_effect_matters(seeds: int) -> None:
    verdicts = [decide(row, MARGIN).verdict for row in simulate(MARGIN, seeds)]
    assert share(verdicts, "refuted") <= 0.05


@pytest.mark.parametrize(("seeds", "power"), [(3, 0.8), (5, 0.95), (10, 0.99)])
def test_a_large_effect_is_supported_and_its_opposite_refuted(seeds: int, power: float) -> None:
    supported = [decide(row, MARGIN).verdict for row in simulate(MARGIN + 0.25, seeds)]
    assert share(supported, "supported") >= power
    refuted = [decide(row, MARGIN).verdict for row in simulate(MARGIN - 0.25, seeds)]
    assert share(refuted, "refuted") >= power


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_claim_of_parts_is_supported_wrongly_at_most_as_often_as_one(seeds: int) -> None:
    """One part is at the margin, the others beyond: the hardest case of the null."""
    hard, easy = simulate(MARGIN, seeds), simulate(MARGIN + 1, seeds, seed=1)
    verdicts = [
        all_of([decide(a, MARGIN, parts=2), decide(b, MARGIN, parts=2)]).verdict
        for a, b in zip(hard, easy, strict=True)
    ]
    assert share(verdicts, "supported") <= 0.05


def test_a_claim_of_parts_is_refuted_wrongly_at_most_in_five_percent() -> None:
    parts = np.random.default_rng(2).normal(MARGIN, SPREAD, size=(SIMULATIONS, 4, 5))
    verdicts = [
        all_of([decide(part, MARGIN, parts=4) for part in world]).verdict for world in parts
    ]
    assert share(verdicts, "refuted") <= 0.05


def test_the_best_of_many_options_is_not_supported_by_chance() -> None:
    worlds = np.random.default_rng(3).normal(0.0, 1.0, size=(SIMULATIONS, 8, 3))
    verdicts = [decide(cross_fitted(world), 0.0, chosen=True).verdict for world in worlds]
    assert share(verdicts, "supported") <= 0.05


def test_the_best_of_many_options_is_found() -> None:
    worlds = np.random.default_rng(4).normal(0.0, 0.2, size=(SIMULATIONS, 4, 5))
    worlds[:, 2] += 2.0
    verdicts = [decide(cross_fitted(world), 0.5, chosen=True).verdict for world in worlds]
    assert share(verdicts, "supported") >= 0.95


def test_cross_fitting_by_hand() -> None:
    # Seed 0 chooses by seeds 1 and 2 (option 1), seed 1 by 0 and 2 (option 0), seed 2: option 0.
    values = np.array([[9.0, 1.0, 2.0], [0.0, 5.0, 3.0]])
    assert cross_fitted(values).tolist() == [0.0, 1.0, 2.0]
    assert cross_fitted(np.array([[1.0], [3.0]])).tolist() == [2.0]


def test_one_replicate_decides_nothing() -> None:
    found = decide([3.0], 0.0)
    assert found.verdict == "inconclusive"
    assert np.isnan([found.low, found.high]).all()
    assert decide([], 0.0).verdict == "inconclusive"


def test_a_known_variance_bounds_the_certainty() -> None:
    assert decide([0.19, 0.2, 0.21], 0.1).verdict == "supported"
    assert decide([0.19, 0.2, 0.21], 0.1, least_variance=1.0).verdict == "inconclusive"


@pytest.mark.parametrize("value", [0.01, 0.2, 1 / 3])
def test_fewer_than_six_replicates_that_agree_decide_nothing(value: float) -> None:
    """By the sign test: all of n on one side of the margin by chance in one case of 2^(n-1)."""
    for count in range(1, 6):
        found = decide([value] * count, 0.001)
        assert found.verdict == "inconclusive"
        assert np.isnan([found.low, found.high]).all()
    assert decide([value] * 6, 0.001).verdict == "supported"
    assert decide([value] * 6, 0.9).verdict == "refuted"
    assert decide([value] * 6, 0.9, parts=2).verdict == "inconclusive"
    assert decide([value] * 7, 0.9, parts=2).verdict == "refuted"


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("known", [True, False])
def test_effects_read_off_a_coarse_grid_are_not_decided_by_chance(seeds: int, known: bool) -> None:
    """On the margin, in steps of 0.2 wherever their origin: with their variance and without it."""
    random = np.random.default_rng(5)
    origin = random.uniform(0, 0.2, size=(SIMULATIONS, 1))
    exact = random.normal(MARGIN, 0.03, size=(SIMULATIONS, seeds))
    rows = np.round((exact - origin) / 0.2) * 0.2 + origin
    if not known:
        rows = rows[np.ptp(rows, axis=1) < 1e-9]
    least = 0.2**2 / 12 if known else 0.0
    verdicts = [decide(row, MARGIN, least_variance=least).verdict for row in rows]
    wrong = share(verdicts, "supported"), share(verdicts, "refuted")
    assert max(wrong) <= 0.05 or (not known and seeds > 5)


def test_correlations_are_shown_within_their_bounds() -> None:
    found = decide(-np.array([-0.8, -1.0, -0.9]), 0.8, show=limited(-1, 1, negated))
    assert (found.effect, found.low) == (pytest.approx(-0.9), -1)
    assert found.high > -0.9


def test_effects_are_shown_in_their_unit() -> None:
    ratio = decide(np.log([1.9, 2.0, 2.1]), np.log(1.1), show=as_ratio)
    assert ratio.effect == pytest.approx(2.0, rel=0.01)
    assert ratio.low < ratio.effect < ratio.high
    assert ratio.margin == pytest.approx(1.1)
    turned = decide([0.9, 1.0, 1.1], 0.5, show=negated)
    assert turned.effect == pytest.approx(-1.0)
    assert turned.low < turned.high < -0.5


def test_p_is_that_of_the_margin_and_the_detectable_effect_is_found_that_often() -> None:
    sample = np.array([0.12, 0.15, 0.14, 0.2])
    found = decide(sample, MARGIN)
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(sample, MARGIN).pvalue)
    below = decide(-sample, MARGIN, parts=3)
    assert below.p == pytest.approx(3 * scipy.stats.ttest_1samp(-sample, MARGIN).pvalue)
    effects = [decide(row, MARGIN).detectable for row in simulate(MARGIN, 10)]
    rows = simulate(float(np.mean(effects)), 10, seed=1)
    assert share([decide(row, MARGIN).verdict for row in rows], "supported") == pytest.approx(
        0.8, abs=0.04
    )


def test_a_claim_of_parts_is_as_doubtful_as_its_most_doubtful_part() -> None:
    one, other = (Decision("supported", 2, 1.5, 3, 1, 3, p) for p in (0.01, 0.04))
    assert all_of([one, other]).p == 0.04
    wrong = Decision("refuted", 0.5, 0.4, 0.6, 1, 3, 0.02)
    assert all_of([one, wrong]).p == 0.02


def test_the_weakest_part_decides() -> None:
    near = Decision("supported", 1.2, 1.1, 1.3, 1.0, 3)
    far = Decision("supported", 9.0, 8.9, 9.1, 1.0, 3)
    assert all_of([far, near]).effect == near.effect
    doubtful = Decision("inconclusive", 1.0, 0.0, 2.0, 1.0, 3)
    wrong = Decision("refuted", 0.0, -0.1, 0.1, 1.0, 3)
    assert all_of([far, doubtful]).verdict == "inconclusive"
    assert all_of([far, doubtful, wrong]).verdict == "refuted"
