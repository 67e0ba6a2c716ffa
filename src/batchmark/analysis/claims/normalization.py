"""Claims about normalization before the activation."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.block import Block
from batchmark.analysis.claims.decision import all_of, as_ratio, decide
from batchmark.analysis.claims.evidence import (
    Evidence,
    Pair,
    matrix,
    pairs,
    same_but,
    speed_ups,
)
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain, points

Array = NDArray[np.float64]

# Standardized input is normalization, but not before the activation.
KINDS = ("batch", "layer", "group")


def _against_none(evidence: Evidence) -> list[Pair]:
    return pairs(
        evidence.blocks,
        treated=lambda v: v["normalization"].isin(KINDS),
        control=lambda v: v["normalization"] == "none",
        differing=("normalization",),
    )


@claim(
    "norm-gradient-flow",
    theme="normalization",
    study="normalization and gradient probes",
    statement={
        "en": "Normalization before the activation keeps gradients from vanishing on their way to the "
        "first layers.",
        "zh": "激活前的归一化改善梯度流动,避免传到前层的梯度消失。",
    },
    rule={
        "en": "The gradient norm of the first layer over that of the last is larger with normalization "
        "than without by a factor of more than 1.25 at the end of training (geometric mean over pairs for "
        "each seed, Student's t); pairs of which a trial never learned or diverged are left out.",
        "zh": "训练结束时,首层与末层梯度范数之比在归一化后增大到 1.25 倍以上(每个种子对配对取几何平均,t 检验);有试验不学习或发散的配对除外。",
    },
    effect={
        "en": "first-to-last ratio of gradient norms, with over without normalization",
        "zh": "有无归一化时首末层梯度范数比之比",
    },
)
def norm_gradient_flow(evidence: Evidence) -> Finding | None:
    found = _against_none(evidence)
    learned = [pair for pair in found if pair.learned]
    logs = matrix([_flow(pair, pair.treated) - _flow(pair, pair.control) for pair in learned])
    if not logs.size:
        return None
    return finding(
        decide(logs.mean(axis=0), np.log(1.25), show=as_ratio),
        "At the end of training, over the {count} of {all} pairs in which all trials learned, normalization "
        "changes the first layer's gradient norm over the last's by a factor of {effect} ({low} to {high}; "
        "{n} seeds).",
        "训练结束时,在 {all} 个配对中全部试验都能学习的 {count} 个上,归一化使首层与末层梯度范数之比变为 {effect} 倍({low} 至 {high};{n} 个种子)。",
        count=len(logs),
        all=len(found),
    )


def _flow(pair: Pair, row: int) -> "pd.Series[float]":
    """log of the first over the last layer's gradient norm at the end of training, per seed."""
    outcomes = pair.block.outcomes
    mine = outcomes[outcomes["variant"] == pair.block.ids[row]]
    return pd.Series([_first_to_last(text) for text in mine["gradient_norms"]], index=mine["seed"])


def _first_to_last(text: str) -> float:
    norms = [norm for norm in json.loads(text).values() if norm is not None]
    if len(norms) < 2 or min(norms[0], norms[-1]) <= 0:
        return np.nan
    return float(np.log(norms[0] / norms[-1]))


@claim(
    "norm-speed",
    theme="normalization",
    study="normalization",
    statement={
        "en": "With normalization training converges in fewer epochs and stands larger learning rates.",
        "zh": "归一化后收敛所需轮数更少,并可使用更大的学习率。",
    },
    rule={
        "en": "Two parts, both needed: at the smaller rates the target takes fewer epochs by a factor of "
        "more than 1.1, and at the largest rate tried the best validation error is lower by more than "
        "one point (means over pairs for each seed, Student's t; a miss counts as the budget, and never "
        "makes the verdict towards which that errs).",
        "zh": "须同时成立:在较小学习率下,达标轮数减少到不足 1/1.1;在所试最大学习率下,最佳验证误差低 1 个百分点以上(每个种子对配对取平均,t 检验;未达标按预算计,且不得造成其偏差所指向的结论)。",
    },
    effect={
        "en": "speed-up, or reduction of error at the largest rate (the part that decides)",
        "zh": "加速倍数,或最大学习率下误差的降低(取起决定作用的一项)",
    },
)
def norm_speed(evidence: Evidence) -> Finding | None:
    found = _against_none(evidence)
    rates = sorted({float(pair.describe("learning_rate")) for pair in found})
    if len(rates) < 2:
        return None
    large = [pair for pair in found if pair.describe("learning_rate") == rates[-1]]
    small = [pair for pair in found if pair.describe("learning_rate") != rates[-1]]
    gains = speed_ups(small)
    errors = matrix([-pair.change("best_validation_error") for pair in large])
    if not (gains.logs.size and errors.size):
        return None
    faster = gains.decide(1.1, parts=2)
    sturdier = decide(errors.mean(axis=0), 0.01, parts=2)
    return finding(
        all_of([faster, sturdier]),
        "Normalized networks reach the target {speed} times as fast ({speed_low} to {speed_high}; {informative} "
        "of {count} pairs reached it), and at learning rate {rate} their best validation error is {error} points lower ({error_low} to "
        "{error_high}), {n} seeds.",
        "归一化网络达标快 {speed} 倍({speed_low} 至 {speed_high};{count} 个配对中 {informative} 个达标);学习率为 {rate} 时,最佳验证误差低 {error} 个百分点({error_low} 至 {error_high};{n} 个种子)。",
        informative=len(gains.logs),
        count=len(small),
        rate=f"{rates[-1]:g}",
        speed=plain(faster.effect),
        speed_low=plain(faster.low),
        speed_high=plain(faster.high),
        error=plain(100 * sturdier.effect),
        error_low=plain(100 * sturdier.low),
        error_high=plain(100 * sturdier.high),
    )


@claim(
    "norm-initialization",
    theme="normalization",
    study="normalization",
    statement={
        "en": "Normalization makes training depend less on initialization.",
        "zh": "归一化降低训练对初始化的依赖。",
    },
    rule={
        "en": "Over the initial scales tried, the range of the best validation error is narrower with "
        "normalization than without by more than 0.5 points (mean over kinds for each seed, Student's "
        "t).",
        "zh": "在所试的初始权重尺度上,归一化使最佳验证误差的极差缩小 0.5 个百分点以上(每个种子对各种归一化取平均,t 检验)。",
    },
    effect={
        "en": "reduction of the error's range over initial scales",
        "zh": "误差在不同初始尺度上的极差的缩小",
    },
    unit="points",
)
def norm_initialization(evidence: Evidence) -> Finding | None:
    for block in evidence.blocks:
        ranges = _ranges(block)
        kinds = [kind for kind in KINDS if kind in ranges]
        if "none" in ranges and kinds:
            narrower = matrix([ranges["none"] - ranges[kind] for kind in kinds])
            return finding(
                decide(narrower.mean(axis=0), 0.005),
                "Over the initial scales the error's range is {none} points without normalization and "
                "{effect} points ({low} to {high}) narrower with it, mean over {kinds}, {n} seeds.",
                "在各初始尺度上,无归一化时误差极差为 {none} 个百分点,归一化({kinds} 平均)使其缩小 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
                none=points(float(ranges["none"].mean())),
                kinds=", ".join(kinds),
            )
    return None


def _ranges(block: Block) -> dict[str, "pd.Series[float]"]:
    """Range of the best validation error over initial scales, by normalization, per seed.

    Only settings that differ in nothing else and were tried at two scales or more for each kind.
    """
    variants = block.variants
    if variants["initializer_scale"].nunique() < 2:
        return {}
    errors = pd.DataFrame(block.trials("best_validation_error"), columns=block.seeds)
    for rows in same_but(variants, ("normalization", "initializer_scale")):
        group = variants.iloc[rows]
        scales = group.groupby("normalization")["initializer_scale"].nunique()
        varied = scales[scales > 1].index
        if "none" in varied and len(varied) > 1:
            kinds = group["normalization"]
            return {kind: _range(errors.loc[kinds[kinds == kind].index]) for kind in varied}
    return {}


def _range(errors: pd.DataFrame) -> "pd.Series[float]":
    return errors.max() - errors.min()
