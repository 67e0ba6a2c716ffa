"""Claims about Rprop, RMSprop and the adaptive optimizers."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.block import Block
from batchmark.analysis.claims.decision import Decision, all_of, cross_fitted, decide
from batchmark.analysis.claims.evidence import Choice, Evidence, Pair, by_seed, pairs
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import percentage, points

Array = NDArray[np.float64]

ADAPTIVE = ("adagrad", "adadelta", "rmsprop", "adam")
ERROR = "best_validation_error"


class Lowest(NamedTuple):
    """Best validation error per seed of the setting best on the other seeds, of `options` many."""

    errors: Array
    options: int


def _lowest(block: Block, optimizer: str, chosen: Choice) -> Lowest:
    """The lowest error of an optimizer; a setting without a value for some seed is no option."""
    variants = block.variants
    rows = ((variants["optimizer"] == optimizer) & chosen(variants)).to_numpy(bool)
    errors = block.trials(ERROR)[rows]
    errors = errors[~np.isnan(errors).any(axis=1)]
    return Lowest(-cross_fitted(-errors) if len(errors) else np.empty(0), len(errors))


def _more(one: Lowest, other: Lowest, margin: float, parts: int = 1) -> Decision:
    """Does the error of `one` exceed that of `other` by more than the margin?"""
    chosen = max(one.options, other.options) > 1
    return decide(one.errors - other.errors, margin, chosen=chosen, parts=parts)


def _full(variants: pd.DataFrame) -> "pd.Series[bool]":
    return variants["batch_size"] == variants["train_size"]


def _mini(variants: pd.DataFrame) -> "pd.Series[bool]":
    return variants["batch_size"] <= variants["train_size"] / 10


@claim(
    "rprop-full-batch",
    theme="optimizers",
    study="rprop",
    statement={
        "en": "Rprop, which uses only the sign of the gradient, learns well on the full batch.",
        "zh": "只用梯度符号的 Rprop 适合全批量训练。",
    },
    rule={
        "en": "On the full batch Rprop's best validation error is at most 0.5 points above SGD's, each at "
        "its setting that is best on the other seeds (paired by seed, non-inferiority by Student's t).",
        "zh": "全批量下,Rprop 的最佳验证误差至多比 SGD 高 0.5 个百分点,各取在其他种子上最佳的设置(按种子配对,非劣效 t 检验)。",
    },
    effect={"en": "error of SGD minus error of Rprop", "zh": "SGD 与 Rprop 的误差之差"},
    unit="points",
)
def rprop_full_batch(evidence: Evidence) -> Finding | None:
    block = evidence.study("rprop")
    if block is None:
        return None
    rprop, sgd = (_lowest(block, name, _full) for name in ("rprop", "sgd"))
    if not (rprop.options and sgd.options):
        return None
    return finding(
        _more(sgd, rprop, -0.005),
        "On the full batch Rprop ends with an error of {rprop}; SGD's minus Rprop's is {effect} points "
        "({low} to {high}) within the same epochs, {n} seeds.",
        "全批量下,相同轮数内 Rprop 的误差为 {rprop};SGD 减去 Rprop 为 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
        rprop=percentage(float(rprop.errors.mean())),
    )


@claim(
    "rprop-mini-batch",
    theme="optimizers",
    study="rprop",
    statement={
        "en": "On mini-batches Rprop's corrections cancel out and it fails; RMSprop repairs that.",
        "zh": "小批量下 Rprop 的修正相互抵消而失效,RMSprop 弥补了这一点。",
    },
    rule={
        "en": "Two parts, both needed: on mini-batches (at most a tenth of the data) Rprop's best "
        "validation error is more than one point above SGD's, and RMSprop's at most 0.5 points above it, "
        "each at its setting that is best on the other seeds (paired by seed, Student's t).",
        "zh": "须同时成立:小批量(不超过数据的十分之一)下,Rprop 的最佳验证误差比 SGD 高 1 个百分点以上,而 RMSprop 至多高 0.5 个百分点,各取在其他种子上最佳的设置(按种子配对,t 检验)。",
    },
    effect={
        "en": "excess error of Rprop, or of SGD over RMSprop (the part that decides)",
        "zh": "Rprop 的超额误差,或 SGD 与 RMSprop 的误差之差(取起决定作用的一项)",
    },
    unit="points",
)
def rprop_mini_batch(evidence: Evidence) -> Finding | None:
    block = evidence.study("rprop")
    if block is None:
        return None
    rprop, sgd, rmsprop = (_lowest(block, name, _mini) for name in ("rprop", "sgd", "rmsprop"))
    if not (rprop.options and sgd.options and rmsprop.options):
        return None
    fails, repairs = _more(rprop, sgd, 0.01, parts=2), _more(sgd, rmsprop, -0.005, parts=2)
    return finding(
        all_of([fails, repairs]),
        "On mini-batches the errors are {rprop} for Rprop, {sgd} for SGD and {rmsprop} for RMSprop; the "
        "deciding difference is {effect} points ({low} to {high}), {n} seeds.",
        "小批量下,Rprop 的误差为 {rprop},SGD 为 {sgd},RMSprop 为 {rmsprop};决定性差值为 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
        rprop=percentage(float(rprop.errors.mean())),
        sgd=percentage(float(sgd.errors.mean())),
        rmsprop=percentage(float(rmsprop.errors.mean())),
    )


@claim(
    "optimizer-rates",
    theme="optimizers",
    study="optimizer and learning_rate",
    statement={
        "en": "Adaptive optimizers (Adagrad, Adadelta, RMSprop, Adam) need less tuning of the learning "
        "rate than SGD (our addition, not the article's).",
        "zh": "自适应优化器(Adagrad、Adadelta、RMSprop、Adam)比 SGD 更少依赖学习率调节(本项目补充,非原文观点)。",
    },
    rule={
        "en": "Going from Keras's default rate to the tuned one lowers the best validation error of plain "
        "SGD (no momentum) by more than 0.2 points more than that of the adaptive optimizers (means over pairs for each "
        "seed, Student's t).",
        "zh": "从 Keras 默认学习率换成调优学习率,普通 SGD(无动量)的最佳验证误差的降低比自适应优化器多 0.2 个百分点以上(每个种子对配对取平均,t 检验)。",
    },
    effect={
        "en": "gain from tuning, SGD minus adaptive optimizers",
        "zh": "调优的收益:SGD 减去自适应优化器",
    },
    unit="points",
)
def optimizer_rates(evidence: Evidence) -> Finding | None:
    found = pairs(
        evidence.blocks,
        treated=lambda v: v["tuned"].astype(bool),
        control=_at_default,
        differing=("rate",),
    )
    adaptive = _gain([pair for pair in found if pair.describe("optimizer") in ADAPTIVE])
    sgd = _gain([pair for pair in found if _is_plain_sgd(pair)])
    difference = (sgd.mean() - adaptive.mean()).dropna()
    if difference.empty:
        return None
    return finding(
        decide(difference.to_numpy(float), 0.002),
        "Tuning the rate lowers plain SGD's error by {sgd} points ({sgd_pairs} pairs) and the adaptive "
        "optimizers' by {others} points ({other_pairs} pairs), a difference of {effect} points ({low} to "
        "{high}; {n} seeds).",
        "调优学习率使普通 SGD 的误差降低 {sgd} 个百分点({sgd_pairs} 个配对),自适应优化器降低 {others} 个百分点({other_pairs} 个配对),相差 {effect} 个百分点({low} 至 {high};{n} 个种子)。",
        sgd=points(float(sgd.mean().mean())),
        sgd_pairs=len(sgd),
        others=points(float(adaptive.mean().mean())),
        other_pairs=len(adaptive),
    )


def _is_plain_sgd(pair: Pair) -> bool:
    return pair.describe("optimizer") == "sgd" and pair.describe("momentum") == 0


def _at_default(variants: pd.DataFrame) -> "pd.Series[bool]":
    """Keras 3's own rates: 0.01 for SGD, 0.001 for the adaptive optimizers."""
    default = variants["optimizer"].map({"sgd": 0.01}).fillna(0.001)
    return (variants["learning_rate"] == default) & ~variants["tuned"].astype(bool)


def _gain(found: Sequence[Pair]) -> pd.DataFrame:
    return by_seed([-pair.change(ERROR) for pair in found])
