"""Claims about generalization and regularization: gaps, weight decay, sparse weights."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.claims.decision import (
    RESOLVABLE,
    Decision,
    all_of,
    as_ratio,
    bounded,
    cross_fitted,
    decide,
    left_out_best,
)
from batchmark.claims.evidence import (
    Evidence,
    Family,
    Finding,
    Pair,
    SpeedUps,
    bounds,
    by_seed,
    claim,
    families_of,
    finding,
    main_family,
    matrix,
    pairs,
    speed_ups,
)

LARGE = 1000
SPARSE = "small_weight_share"


def _converged(evidence: Evidence) -> Family | None:
    """Batch sizes whose every trial found its best validation error before the last quarter.

    Prefers tuned rates, because a rate that suits small batches only would decide for them.
    """
    tuned = [f for f in families_of(evidence.study("learning_rate"), 2) if "tuned" in f.label]
    main = main_family(evidence, 2)
    for family in [*tuned, *([main] if main else [])]:
        settled = family.only(family.settled.all(axis=1) & family.learns)
        if len(settled.rows) > 1 and settled.sizes[-1] >= LARGE and settled.sizes[0] < LARGE:
            return settled
    return None


def _excess(family: Family, name: str) -> Decision | None:
    """Is accuracy `name` at the largest size lower than at the small one best on other seeds?"""
    accuracies = family.trials(name)
    accuracies = accuracies[:, ~np.isnan(accuracies).any(axis=0)]
    if not accuracies.size:
        return None
    small = accuracies[family.sizes < LARGE]
    excess, counted = cross_fitted(small) - accuracies[-1], family.counting_variance(name)
    return decide(excess, RESOLVABLE, chosen=len(small) > 1, least_variance=counted)


@claim("noise-escapes")
def noise_escapes(evidence: Evidence) -> Finding | None:
    """Is the largest batch's training error over 0.3 points above the best small one's?"""
    return _where_it_ends(evidence, "final_train_accuracy")


@claim("large-batch-generalization")
def large_batch_generalization(evidence: Evidence) -> Finding | None:
    """The same of the final test error."""
    return _where_it_ends(evidence, "final_test_accuracy")


def _where_it_ends(evidence: Evidence, name: str) -> Finding | None:
    family = _converged(evidence)
    if family is None:
        return None
    excess = _excess(family, name)
    if excess is None:
        return None
    return finding(
        excess,
        budget=np.nanmax(family.data.budget[family.rows]),
        largest=family.sizes[-1],
    )


def _unregularized(v: pd.DataFrame) -> "pd.Series[bool]":
    return (v[["weight_decay", "l1", "l2", "dropout"]] == 0).all(axis=1)


def _against_none(evidence: Evidence, *penalties: str) -> list[Pair]:
    """Pairs of a variant with one of the penalties only, and the one without any."""
    others = [name for name in ("weight_decay", "l1", "l2", "dropout") if name not in penalties]
    return pairs(
        evidence.studies,
        treated=lambda v: (v[list(penalties)] > 0).any(axis=1) & (v[others] == 0).all(axis=1),
        control=_unregularized,
        differing=penalties,
    )


def _smallest_data(found: Sequence[Pair]) -> list[Pair]:
    """The pairs trained on the fewest images: where overfitting shows."""
    fewest = min((pair.describe("train_size") for pair in found), default=0)
    return [pair for pair in found if pair.describe("train_size") == fewest]


@claim("decay-overfitting")
def decay_overfitting(evidence: Evidence) -> Finding | None:
    """Does decay close the gap by over 0.3 points without costing as much of test error?"""
    smallest = _smallest_data(_against_none(evidence, "weight_decay", "l2"))
    test = by_seed([pair.change("final_test_accuracy") for pair in smallest])
    train = by_seed([pair.change("final_train_accuracy") for pair in smallest])
    gaps, gains = (table.to_numpy(float) for table in (test - train, test))
    if not gaps.size or np.isnan(gaps).any():
        return None
    # The strength whose weaker part is the better one on the other seeds.
    rows = (
        left_out_best(np.minimum(gaps - RESOLVABLE, gains + RESOLVABLE)),
        np.arange(gaps.shape[1]),
    )
    tested, trained = (
        max(pair.counting_variance(name) for pair in smallest)
        for name in ("final_test_accuracy", "final_train_accuracy")
    )
    closed, harmless = (
        decide(values[rows], margin, chosen=len(gaps) > 1, parts=2, least_variance=counted)
        for values, margin, counted in (
            (gaps, RESOLVABLE, tested + trained),
            (gains, -RESOLVABLE, tested),
        )
    )
    return finding(
        all_of([closed, harmless]),
        images=int(smallest[0].describe("train_size")),
        gap=_gap_without(smallest[0]),
        count=len(gaps),
        **bounds("closed", closed),
        **bounds("gain", harmless),
    )


def _gap_without(pair: Pair) -> float:
    train, test = (
        pair.value(name, treated=False) for name in ("final_train_accuracy", "final_test_accuracy")
    )
    return float((train - test).mean())


@claim("decay-not-speed")
def decay_not_speed(evidence: Evidence) -> Finding | None:
    """Is decay neither 1.1 times as fast, nor 0.3 points better on the training data?"""
    tested = _against_none(evidence, "weight_decay", "l2")
    accuracy = matrix([pair.change("final_train_accuracy") for pair in tested])
    speed = speed_ups(tested)
    if not (accuracy.size and speed.logs.size):
        return None
    slower = _no_faster(speed)
    counted = max(pair.counting_variance("final_train_accuracy") for pair in tested)
    lower = decide(
        -cross_fitted(accuracy),
        -RESOLVABLE,
        chosen=len(accuracy) > 1,
        parts=2,
        least_variance=counted,
    )
    return finding(
        all_of([slower, lower]),
        informative=len(speed.logs),
        count=len(tested),
        **bounds("slower", slower),
        gain=-lower.effect,
        gain_low=-lower.high,
        gain_high=-lower.low,
    )


def _no_faster(speed: SpeedUps) -> Decision:
    """Is the strength that is fastest on the other seeds not faster than none by 1.1?"""
    chosen = left_out_best(speed.logs)
    decision = decide(
        -cross_fitted(speed.logs),
        -np.log(1.1),
        least_variance=float(speed.least_variance.mean()),
        chosen=len(speed.logs) > 1,
        show=as_ratio,
        parts=2,
    )
    # Turned round: a speed-up that is too low makes slowness too high.
    return bounded(
        decision,
        too_low=bool(speed.too_high[chosen].any()),
        too_high=bool(speed.too_low[chosen].any()),
    )


@claim("l1-sparse")
def l1_sparse(evidence: Evidence) -> Finding | None:
    """Does L1 set over 5 points more weights to near zero than no penalty, and than L2?"""
    lasso, ridge = (_sparsity(evidence, name) for name in ("l1", "l2"))
    if not (len(lasso) and len(ridge)):
        return None
    first, second = (_best_by_seed(table) for table in (lasso, ridge))
    chosen = max(len(lasso), len(ridge)) > 1
    # Weights are counted as images are.
    counted = max(pair.counting_variance(SPARSE) for pair in _against_none(evidence, "l1"))
    decisions = [
        decide(gain.to_numpy(float), 0.05, chosen=chosen, parts=2, least_variance=least)
        for gain, least in ((first, counted), ((first - second).dropna(), 2 * counted))
    ]
    return finding(
        all_of(decisions),
        l1=first.mean(),
        l2=second.mean(),
    )


def _sparsity(evidence: Evidence, penalty: str) -> pd.DataFrame:
    found = _against_none(evidence, penalty)
    return by_seed([pair.change(SPARSE) for pair in found])


def _best_by_seed(options: pd.DataFrame) -> "pd.Series[float]":
    return pd.Series(cross_fitted(options.to_numpy(float)), index=options.columns)
