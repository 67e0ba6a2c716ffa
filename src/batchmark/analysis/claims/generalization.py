"""Claims about where small and large batches end up when they have converged."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import Decision, cross_fitted, decide
from batchmark.analysis.claims.evidence import Evidence, Family, families_of, main_family
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain

Array = NDArray[np.float64]

LARGE = 1000


def _converged(evidence: Evidence) -> Family | None:
    """Batch sizes whose every trial found its best validation error before the last quarter.

    Prefers tuned rates, because a rate that suits small batches only would decide for them.
    """
    tuned = [f for f in families_of(evidence.study("learning_rate"), 2) if "tuned" in f.label]
    main = main_family(evidence, 2)
    for family in [*tuned, *([main] if main else [])]:
        found = family.only(family.settled.all(axis=1) & family.learns)
        if len(found.rows) > 1 and found.sizes[-1] >= LARGE and found.sizes[0] < LARGE:
            return found
    return None


def _excess(family: Family, name: str) -> Decision | None:
    """Is the accuracy `name` at the largest size lower than at the small one best on other seeds?"""
    accuracies = family.trials(name)
    accuracies = accuracies[:, ~np.isnan(accuracies).any(axis=0)]
    if not accuracies.size:
        return None
    small = accuracies[family.sizes < LARGE]
    return decide(cross_fitted(small) - accuracies[-1], 0.001, chosen=len(small) > 1)


@claim(
    "noise-escapes",
    theme="generalization",
    study="batch_size and learning_rate",
    statement={
        "en": "The noise of mini-batches helps to leave poor optima in which very large batches get "
        "stuck.",
        "zh": "小批量的噪声有助于跳出较差的极值,而过大的批量容易停在其中。",
    },
    rule={
        "en": "Where both have settled (best validation error before the last quarter of the budget), the "
        "training error at the largest batch, of at least 1000, exceeds that of the small batch that is "
        "best on the other seeds by more than 0.1 points (paired by seed, Student's t).",
        "zh": "在均已稳定(最佳验证误差出现在预算的前四分之三)的情况下,最大批量(不小于 1000)的训练误差比在其他种子上最佳的小批量高 0.1 个百分点以上(按种子配对,t 检验)。",
    },
    effect={"en": "training error, large minus small batch", "zh": "大批量与小批量的训练误差之差"},
    unit="points",
)
def noise_escapes(evidence: Evidence) -> Finding | None:
    return _where_it_ends(evidence, "final_train_accuracy", "training error", "训练误差")


@claim(
    "large-batch-generalization",
    theme="generalization",
    study="batch_size and learning_rate",
    statement={
        "en": "Very large batches end in worse optima: their test error is higher after full convergence.",
        "zh": "过大的批量会收敛到较差的极值:充分收敛后测试误差更高。",
    },
    rule={
        "en": "Where both have settled (best validation error before the last quarter of the budget), the "
        "final test error at the largest batch, of at least 1000, exceeds that of the small batch that is "
        "best on the other seeds by more than 0.1 points (paired by seed, Student's t).",
        "zh": "在均已稳定(最佳验证误差出现在预算的前四分之三)的情况下,最大批量(不小于 1000)的最终测试误差比在其他种子上最佳的小批量高 0.1 个百分点以上(按种子配对,t 检验)。",
    },
    effect={"en": "test error, large minus small batch", "zh": "大批量与小批量的测试误差之差"},
    unit="points",
)
def large_batch_generalization(evidence: Evidence) -> Finding | None:
    return _where_it_ends(evidence, "final_test_accuracy", "final test error", "最终测试误差")


def _where_it_ends(evidence: Evidence, name: str, en: str, zh: str) -> Finding | None:
    family = _converged(evidence)
    if family is None:
        return None
    excess = _excess(family, name)
    if excess is None:
        return None
    return finding(
        excess,
        "Settled after {budget} epochs, batch size {largest} has a {what_en} higher than the best small "
        "batch's by {effect} points ({low} to {high}; {n} seeds).",
        "训练 {budget} 轮稳定后,批量 {largest} 的{what_zh}比最佳小批量高 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
        budget=plain(float(np.nanmax(family.block.budget[family.rows]))),
        largest=family.sizes[-1],
        what_en=en,
        what_zh=zh,
    )
