"""Claims about where small and large batches end up when they have converged."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import cross_fitted, decide
from batchmark.analysis.claims.evidence import Evidence, Family, families_of, main_family, settled
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
        found = family.only(settled(family) & family.learns)
        if len(found.rows) > 1 and found.sizes[-1] >= LARGE and found.sizes[0] < LARGE:
            return found
    return None


def _excess(family: Family, name: str) -> Array:
    """How much lower the accuracy `name` is at the largest size than at the best small one.

    The best small size is chosen on the other seeds.
    """
    accuracies = family.trials(name)
    accuracies = accuracies[:, ~np.isnan(accuracies).any(axis=0)]
    return cross_fitted(accuracies[family.sizes < LARGE]) - accuracies[-1]


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
        "training error at the largest batch, of at least 1000, exceeds that of the small batch best on "
        "the other seeds by more than 0.1 points (paired by seed, Student's t).",
        "zh": "在均已稳定(最佳验证误差出现在预算的前四分之三)的情况下,最大批量(不小于 1000)的训练误差比最佳小批量高 0.1 个百分点以上(按种子配对,t 检验)。",
    },
    effect={"en": "training error, large minus small batch", "zh": "大批量与小批量的训练误差之差"},
    percent=True,
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
        "final test error at the largest batch, of at least 1000, exceeds that of the small batch best on "
        "the other seeds by more than 0.1 points (paired by seed, Student's t).",
        "zh": "在均已稳定(最佳验证误差出现在预算的前四分之三)的情况下,最大批量(不小于 1000)的最终测试误差比最佳小批量高 0.1 个百分点以上(按种子配对,t 检验)。",
    },
    effect={"en": "test error, large minus small batch", "zh": "大批量与小批量的测试误差之差"},
    percent=True,
)
def large_batch_generalization(evidence: Evidence) -> Finding | None:
    return _where_it_ends(evidence, "final_test_accuracy", "final test error", "最终测试误差")


def _where_it_ends(evidence: Evidence, name: str, en: str, zh: str) -> Finding | None:
    family = _converged(evidence)
    if family is None:
        return None
    excess = _excess(family, name)
    if not len(excess):
        return None
    return finding(
        decide(excess, 0.001, chosen=True),
        "Settled after {budget} epochs, batch size {largest} has a {what_en} higher than the best small "
        "batch's by {effect} ({low} to {high}; {n} seeds).",
        "训练 {budget} 轮稳定后,批量 {largest} 的{what_zh}比最佳小批量高 {effect}({low} 至 {high};{n} 个种子)。",
        budget=plain(float(np.nanmax(family.block.budget[family.rows]))),
        largest=family.sizes[-1],
        what_en=en,
        what_zh=zh,
    )
