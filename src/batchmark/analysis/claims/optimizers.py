"""Claims about Rprop, RMSprop and the adaptive optimizers."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.block import Block
from batchmark.analysis.claims.decision import all_of, cross_fitted, decide
from batchmark.analysis.claims.evidence import Evidence, Pair, matrix, pairs
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import percentage

Array = NDArray[np.float64]

ADAPTIVE = ("adagrad", "adadelta", "rmsprop", "adam")
ERROR = "best_validation_error"


def _lowest_error(
    block: Block, optimizer: str, chosen: Callable[[pd.DataFrame], "pd.Series[bool]"]
) -> Array:
    """Best validation error per seed of an optimizer's best setting, chosen on the other seeds."""
    variants = block.variants
    rows = ((variants["optimizer"] == optimizer) & chosen(variants)).to_numpy(bool)
    errors = block.trials(ERROR)[rows]
    errors = errors[~np.isnan(errors).any(axis=1)]
    return -cross_fitted(-errors) if len(errors) else np.empty(0)


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
        "en": "On the full batch Rprop's best validation error is at most 0.5 points above SGD's (paired "
        "by seed, non-inferiority by Student's t).",
        "zh": "全批量下,Rprop 的最佳验证误差至多比 SGD 高 0.5 个百分点(按种子配对,非劣效 t 检验)。",
    },
    effect={"en": "error of SGD minus error of Rprop", "zh": "SGD 与 Rprop 的误差之差"},
    percent=True,
)
def rprop_full_batch(evidence: Evidence) -> Finding | None:
    block = evidence.study("rprop")
    if block is None:
        return None
    rprop, sgd = (_lowest_error(block, name, _full) for name in ("rprop", "sgd"))
    if not (len(rprop) and len(sgd)):
        return None
    return finding(
        decide(sgd - rprop, -0.005),
        "On the full batch Rprop ends with an error of {rprop}; SGD's minus Rprop's is {effect} ({low} to "
        "{high}) within the same epochs, {n} seeds.",
        "全批量下,相同轮数内 Rprop 的误差为 {rprop};SGD 减去 Rprop 为 {effect}({low} 至 {high};{n} 个种子)。",
        rprop=percentage(float(rprop.mean())),
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
        "validation error is more than one point above SGD's, and RMSprop's at most 0.5 points above it "
        "(paired by seed, Student's t).",
        "zh": "须同时成立:小批量(不超过数据的十分之一)下,Rprop 的最佳验证误差比 SGD 高 1 个百分点以上,而 RMSprop 至多高 0.5 个百分点(按种子配对,t 检验)。",
    },
    effect={
        "en": "excess error of Rprop, or of SGD over RMSprop (the part that decides)",
        "zh": "Rprop 的超额误差,或 SGD 与 RMSprop 的误差之差(取起决定作用的一项)",
    },
    percent=True,
)
def rprop_mini_batch(evidence: Evidence) -> Finding | None:
    block = evidence.study("rprop")
    if block is None:
        return None
    rprop, sgd, rmsprop = (_lowest_error(block, n, _mini) for n in ("rprop", "sgd", "rmsprop"))
    if not (len(rprop) and len(sgd) and len(rmsprop)):
        return None
    fails = decide(rprop - sgd, 0.01, parts=2, chosen=True)
    repairs = decide(sgd - rmsprop, -0.005, parts=2, chosen=True)
    return finding(
        all_of([fails, repairs]),
        "On mini-batches the errors are {rprop} for Rprop, {sgd} for SGD and {rmsprop} for RMSprop; the "
        "deciding difference is {effect} ({low} to {high}), {n} seeds.",
        "小批量下,Rprop 的误差为 {rprop},SGD 为 {sgd},RMSprop 为 {rmsprop};决定性差值为 {effect}({low} 至 {high};{n} 个种子)。",
        rprop=percentage(float(rprop.mean())),
        sgd=percentage(float(sgd.mean())),
        rmsprop=percentage(float(rmsprop.mean())),
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
        "en": "Going from Keras's default rate to the tuned one lowers the best validation error of SGD "
        "by more than 0.2 points more than that of the adaptive optimizers (means over pairs for each "
        "seed, Student's t).",
        "zh": "从 Keras 默认学习率换成调优学习率,SGD 的最佳验证误差的降低比自适应优化器多 0.2 个百分点以上(每个种子对配对取平均,t 检验)。",
    },
    effect={
        "en": "gain from tuning, SGD minus adaptive optimizers",
        "zh": "调优的收益:SGD 减去自适应优化器",
    },
    percent=True,
)
def optimizer_rates(evidence: Evidence) -> Finding | None:
    found = pairs(
        evidence.blocks,
        treated=lambda v: v["tuned"].astype(bool),
        control=_at_default,
        differing=("rate",),
    )
    adaptive = _gain([pair for pair in found if pair.describe("optimizer") in ADAPTIVE])
    plain_sgd = _gain([pair for pair in found if _is_plain_sgd(pair)])
    together = matrix([*plain_sgd, *adaptive])
    if not (adaptive and plain_sgd and together.size):
        return None
    sgd = together[: len(plain_sgd)].mean(axis=0)
    others = together[len(plain_sgd) :].mean(axis=0)
    return finding(
        decide(sgd - others, 0.002),
        "Tuning the rate lowers SGD's error by {sgd} and the adaptive optimizers' by {others}, a "
        "difference of {effect} ({low} to {high}; {n} seeds).",
        "调优学习率使 SGD 的误差降低 {sgd},自适应优化器降低 {others},相差 {effect}({low} 至 {high};{n} 个种子)。",
        sgd=percentage(float(sgd.mean())),
        others=percentage(float(others.mean())),
    )


def _at_default(variants: pd.DataFrame) -> "pd.Series[bool]":
    """Keras 3's own rates: 0.01 for SGD, 0.001 for the adaptive optimizers."""
    default = variants["optimizer"].map({"sgd": 0.01}).fillna(0.001)
    return (variants["learning_rate"] == default) & ~variants["tuned"].astype(bool)


def _is_plain_sgd(pair: Pair) -> bool:
    return pair.describe("optimizer") == "sgd" and pair.describe("momentum") == 0


def _gain(found: Sequence[Pair]) -> "list[pd.Series[float]]":
    """By pair, how much tuning lowers the error, per seed."""
    gains = [-pair.change(ERROR) for pair in found]
    return [gain for gain in gains if gain.notna().any()]
