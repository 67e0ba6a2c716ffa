"""Claims about weight decay, L1 and L2."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.analysis.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    bounded,
    cross_fitted,
    decide,
    left_out_best,
)
from batchmark.analysis.claims.evidence import (
    Evidence,
    Pair,
    SpeedUps,
    by_seed,
    matrix,
    pairs,
    speed_ups,
)
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain, points


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
        "en": "Two parts, both needed: on the smallest training set, under the strength of decay (or L2) "
        "that is best on the other seeds, the gap between training and test accuracy shrinks by more than "
        "0.2 points, and the test error is not higher by 0.2 points, as it is where training only gets "
        "worse (paired by seed, Student's t).",
        "zh": "须同时成立:在最小训练集上,取在其他种子上最佳的衰减(或 L2)强度,训练与测试精度之差缩小 0.2 个百分点以上;且测试误差的升高不到 0.2 个百分点,以排除只是训练变差(按种子配对,t 检验)。",
    },
    effect={
        "en": "reduction of the generalization gap, or of the test error (the part that decides)",
        "zh": "泛化差距或测试误差的缩小(取起决定作用的一项)",
    },
    unit="points",
)
def decay_overfitting(evidence: Evidence) -> Finding | None:
    found = _smallest_data(_against_none(evidence, "weight_decay", "l2"))
    test = by_seed([pair.change("final_test_accuracy") for pair in found])
    train = by_seed([pair.change("final_train_accuracy") for pair in found])
    gaps, gains = (table.to_numpy(float) for table in (test - train, test))
    if not gaps.size or np.isnan(gaps).any():
        return None
    # The strength whose weaker part is the better one on the other seeds.
    rows = left_out_best(np.minimum(gaps - 0.002, gains + 0.002)), np.arange(gaps.shape[1])
    closed, harmless = (
        decide(values[rows], margin, chosen=len(gaps) > 1, parts=2)
        for values, margin in ((gaps, 0.002), (gains, -0.002))
    )
    return finding(
        all_of([closed, harmless]),
        "On {images} images the gap of {gap} points without decay shrinks by {closed} points ({closed_low} "
        "to {closed_high}) with the best of {count} strengths, and the test error falls by {gain} points "
        "({gain_low} to {gain_high}), {n} seeds.",
        "在 {images} 张图像上,无衰减时 {gap} 个百分点的差距在 {count} 种强度中的最佳者下缩小 {closed} 个百分点({closed_low} 至 {closed_high}),测试误差降低 {gain} 个百分点({gain_low} 至 {gain_high};{n} 个种子)。",
        images=int(found[0].describe("train_size")),
        gap=points(_gap_without(found[0])),
        count=len(gaps),
        closed=points(closed.effect),
        closed_low=points(closed.low),
        closed_high=points(closed.high),
        gain=points(harmless.effect),
        gain_low=points(harmless.low),
        gain_high=points(harmless.high),
    )


def _gap_without(pair: Pair) -> float:
    train, test = (
        pair.value(name, treated=False) for name in ("final_train_accuracy", "final_test_accuracy")
    )
    return float((train - test).mean())


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
        "(equivalence margins, Student's t); a miss counts as the budget, and never makes the verdict "
        "towards which that errs.",
        "zh": "须同时成立:用其他种子选出的任何衰减(或 L2)强度,都不能使达标轮数减少到 1/1.1,也不能使最终训练精度提高 0.2 个百分点(等效界,t 检验);未达标按预算计,且不得造成其偏差所指向的结论。",
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
    slower = _no_faster(speed)
    lower = decide(-cross_fitted(accuracy), -0.002, chosen=len(accuracy) > 1, parts=2)
    return finding(
        all_of([slower, lower]),
        "The best strength changes epochs to target by a factor of {slower} ({slower_low} to "
        "{slower_high}; {informative} of {count} pairs reached it) and training accuracy by {gain} points "
        "({gain_low} to {gain_high}), {n} seeds.",
        "最佳强度使达标轮数变为 {slower} 倍({slower_low} 至 {slower_high};{count} 个配对中 {informative} 个达标),训练精度变化 {gain} 个百分点({gain_low} 至 {gain_high};{n} 个种子)。",
        informative=len(speed.logs),
        count=len(found),
        slower=plain(slower.effect),
        slower_low=plain(slower.low),
        slower_high=plain(slower.high),
        gain=plain(-100 * lower.effect),
        gain_low=plain(-100 * lower.high),
        gain_high=plain(-100 * lower.low),
    )


def _no_faster(speed: SpeedUps) -> Decision:
    """Is the strength that is fastest on the other seeds not faster than none by 1.1?"""
    chosen = left_out_best(speed.logs)
    found = decide(
        -cross_fitted(speed.logs),
        -np.log(1.1),
        least_variance=float(speed.least_variance.mean()),
        chosen=len(speed.logs) > 1,
        show=as_ratio,
        parts=2,
    )
    # Turned round: a speed-up that is too low makes slowness too high.
    return bounded(
        found,
        too_low=bool(speed.too_high[chosen].any()),
        too_high=bool(speed.too_low[chosen].any()),
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
    unit="points",
)
def l1_sparse(evidence: Evidence) -> Finding | None:
    lasso, ridge = (_sparsity(evidence, name) for name in ("l1", "l2"))
    if not (len(lasso) and len(ridge)):
        return None
    first, second = (_best_by_seed(table) for table in (lasso, ridge))
    chosen = max(len(lasso), len(ridge)) > 1
    decisions = [
        decide(gain.to_numpy(float), 0.05, chosen=chosen, parts=2)
        for gain in (first, (first - second).dropna())
    ]
    return finding(
        all_of(decisions),
        "L1 raises the share of weights below 0.001 by {l1} points and L2 by {l2} points over no penalty; "
        "the deciding difference is {effect} points ({low} to {high}), {n} seeds.",
        "与无惩罚相比,L1 使小于 0.001 的权重占比提高 {l1} 个百分点,L2 提高 {l2} 个百分点;决定性差值为 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
        l1=points(float(first.mean())),
        l2=points(float(second.mean())),
    )


def _sparsity(evidence: Evidence, penalty: str) -> pd.DataFrame:
    found = _against_none(evidence, penalty)
    return by_seed([pair.change("small_weight_share") for pair in found])


def _best_by_seed(options: pd.DataFrame) -> "pd.Series[float]":
    return pd.Series(cross_fitted(options.to_numpy(float)), index=options.columns)
