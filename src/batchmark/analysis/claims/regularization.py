"""Claims about weight decay, L1 and L2."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import (
    all_of,
    as_ratio,
    cross_fitted,
    decide,
    opposite,
)
from batchmark.analysis.claims.evidence import Evidence, Pair, matrix, pairs, speed_ups
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import percentage, plain, points

Array = NDArray[np.float64]


def _unregularized(v: pd.DataFrame) -> "pd.Series[bool]":
    return (v[["weight_decay", "l1", "l2", "dropout"]] == 0).all(axis=1)


def _decayed(v: pd.DataFrame) -> "pd.Series[bool]":
    """Weight decay in either form, decoupled or as an L2 penalty, and nothing else."""
    decay = (v["weight_decay"] > 0) ^ (v["l2"] > 0)
    return decay & (v["l1"] == 0) & (v["dropout"] == 0)


def _against_none(evidence: Evidence, *penalties: str) -> list[Pair]:
    """Pairs of a variant with one of the penalties only, and the one without any."""
    others = [name for name in ("weight_decay", "l1", "l2", "dropout") if name not in penalties]
    return pairs(
        evidence.blocks,
        treated=lambda v: (v[list(penalties)] > 0).any(axis=1) & (v[others] == 0).all(axis=1),
        control=_unregularized,
        differing=penalties,
    )


def _smallest_data(found: Sequence[Pair]) -> list[Pair]:
    """The pairs trained on the fewest images: where overfitting shows."""
    fewest = min((pair.describe("train_size") for pair in found), default=0)
    return [pair for pair in found if pair.describe("train_size") == fewest]


@claim(
    "decay-overfitting",
    theme="regularization",
    study="regularization",
    statement={"en": "Weight decay reduces overfitting.", "zh": "权重衰减的作用是抑制过拟合。"},
    rule={
        "en": "Two parts, both needed: on the smallest training set the gap between training and test "
        "accuracy shrinks by more than 0.2 points under the strength of decay (or L2) that is best on "
        "the other seeds, and the test error there is not worse by 0.2 points, since a gap also closes "
        "when training gets worse (paired by seed, Student's t).",
        "zh": "两部分均须成立:在最小训练集上,取在其他种子上最佳的衰减(或 L2)强度,训练与测试精度之差缩小 0.2 个百分点以上,且测试误差的变差不到 0.2 个百分点(训练变差也会缩小差距;按种子配对,t 检验)。",
    },
    effect={
        "en": "reduction of the gap, or gain in test accuracy (the part that decides)",
        "zh": "泛化差距的缩小,或测试精度的提高(决定性部分)",
    },
    percent=True,
)
def decay_overfitting(evidence: Evidence) -> Finding | None:
    found = _smallest_data(_against_none(evidence, "weight_decay", "l2"))
    gaps = matrix([_gap_closed(pair) for pair in found])
    tests = matrix([pair.change("final_test_accuracy") for pair in found])
    if not gaps.size or tests.shape != gaps.shape:
        return None
    chosen = len(gaps) > 1
    closed = decide(cross_fitted(gaps), 0.002, chosen=chosen, parts=2)
    kept = decide(cross_fitted(tests, by=gaps), -0.002, chosen=chosen, parts=2)
    control = found[0].value("final_train_accuracy", treated=False) - found[0].value(
        "final_test_accuracy", treated=False
    )
    return finding(
        all_of([closed, kept]),
        "On {images} images the gap of {gap} without decay shrinks by {closed} points ({closed_low} to "
        "{closed_high}) with the best of {count} strengths, while test accuracy changes by {kept} points "
        "({kept_low} to {kept_high}); {n} seeds.",
        "在 {images} 张图像上,无衰减时的差距 {gap} 在 {count} 种强度中的最佳者下缩小 {closed} 个百分点({closed_low} 至 {closed_high}),同时测试精度变化 {kept} 个百分点({kept_low} 至 {kept_high};{n} 个种子)。",
        images=int(found[0].describe("train_size")),
        gap=percentage(float(control.mean())),
        count=len(gaps),
        **points("closed", closed),
        **points("kept", kept),
    )


def _gap_closed(pair: Pair) -> "pd.Series[float]":
    return pair.change("final_test_accuracy") - pair.change("final_train_accuracy")


@claim(
    "decay-not-speed",
    theme="regularization",
    study="regularization",
    statement={
        "en": "Weight decay improves neither the accuracy reached on the training data nor the speed of "
        "convergence.",
        "zh": "权重衰减既不提高训练数据上的精度,也不提高收敛速度。",
    },
    rule={
        "en": "Two parts, both needed: no strength of decay (or L2), chosen on the other seeds, reduces "
        "the epochs to target by a factor of 1.1 or raises the final training accuracy by 0.2 points "
        "(equivalence margins, Student's t).",
        "zh": "须同时成立:用其他种子选出的任何衰减(或 L2)强度,都不能使达标轮数减少到 1/1.1,也不能使最终训练精度提高 0.2 个百分点(等效界,t 检验)。",
    },
    effect={
        "en": "1 over the speed-up, or loss of training accuracy (the part that decides)",
        "zh": "加速倍数的倒数,或训练精度的损失(取起决定作用的一项)",
    },
)
def decay_not_speed(evidence: Evidence) -> Finding | None:
    found = _against_none(evidence, "weight_decay", "l2")
    accuracy = matrix([pair.change("final_train_accuracy") for pair in found])
    speed = speed_ups(found)
    if not (accuracy.size and speed.logs.size):
        return None
    slower = decide(
        -cross_fitted(speed.logs),
        -np.log(1.1),
        least_variance=float(np.mean(speed.least_variances)),
        chosen=len(speed.logs) > 1,
        show=as_ratio,
        parts=2,
        bound=opposite(speed.bound),
    )
    lower = decide(-cross_fitted(accuracy), -0.002, chosen=len(accuracy) > 1, parts=2)
    return finding(
        all_of([slower, lower]),
        "The best strength changes epochs to target by a factor of {slower} ({slower_low} to "
        "{slower_high}) and training accuracy by {gain} points ({gain_low} to {gain_high}), {n} seeds.",
        "最佳强度使达标轮数变为 {slower} 倍({slower_low} 至 {slower_high}),训练精度变化 {gain} 个百分点({gain_low} 至 {gain_high};{n} 个种子)。",
        slower=plain(slower.effect),
        slower_low=plain(slower.low),
        slower_high=plain(slower.high),
        gain=plain(-100 * lower.effect),
        gain_low=plain(-100 * lower.high),
        gain_high=plain(-100 * lower.low),
    )


@claim(
    "l1-sparse",
    theme="regularization",
    study="regularization",
    statement={
        "en": "An L1 penalty (lasso) sets weights to zero; L2 (ridge) only shrinks them.",
        "zh": "L1(Lasso)使权重变稀疏,L2(岭回归)只是使其变小。",
    },
    rule={
        "en": "Two parts, both needed: at the strength chosen on the other seeds L1 raises the share of "
        "weights with |w| < 0.001 by more than 5 points over no penalty, and by more than 5 points over "
        "L2 at its own (paired by seed, Student's t).",
        "zh": "须同时成立:在用其他种子选出的强度下,L1 使 |w| < 0.001 的权重占比比无惩罚时高 5 个百分点以上,也比 L2 在其最佳强度下高 5 个百分点以上(按种子配对,t 检验)。",
    },
    effect={"en": "gain in the share of near-zero weights", "zh": "接近零的权重占比的增量"},
    percent=True,
)
def l1_sparse(evidence: Evidence) -> Finding | None:
    rows = {name: _sparsity(evidence, name) for name in ("l1", "l2")}
    together = matrix([*rows["l1"], *rows["l2"]])
    lasso, ridge = together[: len(rows["l1"])], together[len(rows["l1"]) :]
    if not (lasso.size and ridge.size):
        return None
    first, second = cross_fitted(lasso), cross_fitted(ridge)
    chosen = max(len(lasso), len(ridge)) > 1
    decisions = [decide(gain, 0.05, chosen=chosen, parts=2) for gain in (first, first - second)]
    return finding(
        all_of(decisions),
        "L1 raises the share of weights below 0.001 by {l1} and L2 by {l2} over no penalty; the deciding "
        "difference is {effect} ({low} to {high}), {n} seeds.",
        "与无惩罚相比,L1 使小于 0.001 的权重占比提高 {l1},L2 提高 {l2};决定性差值为 {effect}({low} 至 {high};{n} 个种子)。",
        l1=percentage(float(first.mean())),
        l2=percentage(float(second.mean())),
    )


def _sparsity(evidence: Evidence, penalty: str) -> "list[pd.Series[float]]":
    """By pair, how many more small weights the penalty leaves, per seed."""
    changes = [pair.change("small_weight_share") for pair in _against_none(evidence, penalty)]
    return [change for change in changes if change.notna().any()]
