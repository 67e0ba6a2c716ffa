"""Claims about the direction and size of gradients, decided on the gradient probes."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    decide,
    decide_mean,
    negated,
)
from batchmark.analysis.claims.evidence import Evidence, main_family
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain
from batchmark.analysis.intervals import Mean, mean_of

MOMENT = ["variant", "moment"]
MEDIAN, TOP = 0.5, 0.99
LARGEST_RATIO = 1e6


def _moments(evidence: Evidence) -> list[pd.DataFrame]:
    """The draws of each probed variant at each moment of its training."""
    return [part for _, part in evidence.draws.groupby(MOMENT, sort=False)]


def _cosines(part: pd.DataFrame, size: int) -> NDArray[np.float64]:
    return part.loc[part["batch_size"] == size, "cosine"].to_numpy(float)


def _sizes(part: pd.DataFrame, largest_share: float = 1.0) -> list[int]:
    """Probed batch sizes up to a share of the training set, rising."""
    limit = part["full_size"].iloc[0] * largest_share
    return sorted(part.loc[part["batch_size"] <= limit, "batch_size"].unique().tolist())


@claim(
    "full-batch-direction",
    theme="gradients",
    study="gradient probes",
    statement={
        "en": "The more data a gradient is taken over, up to the whole set, the closer it points "
        "to the true direction of descent.",
        "zh": "计算梯度所用数据越多(直至全部数据),其方向越接近真实下降方向。",
    },
    rule={
        "en": "At every probed moment the cosine with the full gradient is larger by more than 0.1 "
        "at the largest probed batch than at the smallest (Welch's t over draws). The gradient of all "
        "training data stands for the true direction, so that its own cosine is 1 by definition.",
        "zh": "在每个探测时刻,最大探测批量的梯度与全数据梯度的余弦比最小批量高 0.1 以上(对抽样作 Welch t 检验)。以全部训练数据的梯度代表真实方向,因此其自身的余弦按定义为 1。",
    },
    effect={
        "en": "gain in cosine from the smallest to the largest probed batch",
        "zh": "余弦从最小到最大探测批量的增量",
    },
)
def full_batch_direction(evidence: Evidence) -> Finding | None:
    moments = [part for part in _moments(evidence) if len(_sizes(part)) > 1]
    if not moments:
        return None
    decisions = [_gain(part, *_ends(part), margin=0.1, parts=len(moments)) for part in moments]
    smallest, largest = _ends(moments[0])
    return finding(
        all_of(decisions),
        "From batch size {smallest} to {largest} the cosine with the full gradient grows by {effect} "
        "({low} to {high}), at the moment where it grows least of {moments}.",
        "从批量 {smallest} 到 {largest},与全数据梯度的余弦增加 {effect}({low} 至 {high}),取 {moments} 个时刻中增量最小者。",
        smallest=smallest,
        largest=largest,
        moments=len(moments),
    )


def _ends(part: pd.DataFrame) -> tuple[int, int]:
    sizes = _sizes(part)
    return sizes[0], sizes[-1]


def _gain(part: pd.DataFrame, small: int, large: int, margin: float, parts: int) -> Decision:
    """Is the cosine at `large` greater than at `small` by more than the margin?"""
    high, low = mean_of(_cosines(part, large)), mean_of(_cosines(part, small))
    return decide_mean(_difference(high, low), margin, n=len(part), parts=parts)


def _difference(one: Mean, other: Mean) -> Mean:
    """one - other, Welch's degrees of freedom."""
    squared = one.squared_error + other.squared_error
    terms = one.squared_error**2 / one.freedom + other.squared_error**2 / other.freedom
    freedom = squared**2 / np.maximum(terms, np.finfo(float).tiny)
    exact = np.minimum(one.freedom, other.freedom)
    return Mean(
        one.estimate - other.estimate,
        squared,
        np.where(squared > 0, freedom, exact),
    )


@claim(
    "gradient-spread",
    theme="gradients",
    study="gradient probes",
    statement={
        "en": "Gradients differ by orders of magnitude from weight to weight, so that no single "
        "global learning rate fits all of them.",
        "zh": "不同权重的梯度相差数个数量级,单一全局学习率难以适合所有权重。",
    },
    rule={
        "en": "The 99 % quantile of |gradient| over single weights is more than 10 times their median "
        "(geometric mean over probed moments, variants and seeds, Student's t); normally distributed "
        "gradients of one scale would give 3.8.",
        "zh": "单个权重 |梯度| 的 99 % 分位数超过中位数的 10 倍(对时刻、变体和种子取几何平均,t 检验);同一尺度的正态分布梯度只会给出 3.8。",
    },
    effect={
        "en": "99 % quantile over median of the gradient's magnitude",
        "zh": "梯度幅值的 99 % 分位数与中位数之比",
    },
)
def gradient_spread(evidence: Evidence) -> Finding | None:
    if evidence.magnitudes.empty:
        return None
    table = evidence.magnitudes.assign(share=pd.to_numeric(evidence.magnitudes["quantile"]))
    wide = table.pivot_table(index=[*MOMENT, "seed"], columns="share", values="magnitude")
    if not {MEDIAN, TOP} <= set(wide.columns):
        return None
    middle = np.maximum(wide[MEDIAN], wide[TOP] / LARGEST_RATIO)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log((wide[TOP] / middle).to_numpy(float))
    return finding(
        decide(ratios[np.isfinite(ratios)], np.log(10.0), show=as_ratio),
        "One weight in a hundred has a gradient more than {effect} ({low} to {high}) times the median "
        "weight's, over {n} probes.",
        "每百个权重中有一个的梯度超过中位权重的 {effect} 倍({low} 至 {high};{n} 次探测)。",
    )


@claim(
    "online-zigzag",
    theme="gradients",
    study="gradient probes and batch_size",
    statement={
        "en": "With one example a step the direction zig-zags and training hardly converges.",
        "zh": "批量为 1 时下降方向来回摇摆,训练难以收敛。",
    },
    rule={
        "en": "Two parts, both needed: consecutive gradients at batch size 1 have a mean cosine below "
        "0.2 at every moment, and the best validation error at batch size 1 exceeds that of the best "
        "batch size by more than one point (paired by seed).",
        "zh": "须同时成立:批量为 1 时相邻两步梯度的平均余弦在每个时刻都低于 0.2;其最佳验证误差比最佳批量高出 1 个百分点以上(按种子配对)。",
    },
    effect={
        "en": "cosine of consecutive gradients, or excess error (the part that decides)",
        "zh": "相邻梯度的余弦或误差差值(取起决定作用的一项)",
    },
)
def online_zigzag(evidence: Evidence) -> Finding | None:
    family = main_family(evidence, 2)
    single = [part[part["batch_size"] == 1] for part in _moments(evidence)]
    single = [part for part in single if len(part) > 2]
    if family is None or family.sizes[0] != 1 or not single:
        return None
    parts = len(single) + 1
    turns = [
        decide(-part["successive_cosine"].dropna().to_numpy(float), -0.2, show=negated, parts=parts)
        for part in single
    ]
    errors = family.trials("best_validation_error")
    worse = errors[0] - np.nanmin(errors[1:], axis=0)
    misses = decide(worse[~np.isnan(worse)], 0.01, parts=parts)
    cosine = max(turn.effect for turn in turns)
    return finding(
        all_of([*turns, misses]),
        "Consecutive gradients at batch size 1 have a cosine of at most {cosine}; its best validation "
        "error is {excess} points above the best batch size's ({n} replicates; the deciding interval "
        "is {low} to {high}).",
        "批量为 1 时相邻梯度的余弦不超过 {cosine};其最佳验证误差比最佳批量高 {excess} 个百分点({n} 次重复;决定性区间为 {low} 至 {high})。",
        cosine=plain(cosine),
        excess=plain(100 * misses.effect),
    )


@claim(
    "half-data-gradient",
    theme="gradients",
    study="gradient probes",
    statement={
        "en": "Half of the data, or far less, gives almost the same gradient as all of them.",
        "zh": "一半甚至更少的数据就能给出与全部数据几乎相同的梯度。",
    },
    rule={
        "en": "At every probed moment the largest probed batch of at most half of the data has a mean "
        "cosine above 0.9 with the full gradient (Student's t over draws).",
        "zh": "在每个探测时刻,不超过一半数据的最大探测批量与全数据梯度的平均余弦大于 0.9(对抽样作 t 检验)。",
    },
    effect={"en": "cosine with the full gradient", "zh": "与全数据梯度的余弦"},
)
def half_data_gradient(evidence: Evidence) -> Finding | None:
    moments = [part for part in _moments(evidence) if _sizes(part, 0.5)]
    if not moments:
        return None
    sizes = [_sizes(part, 0.5)[-1] for part in moments]
    decisions = [
        decide(_cosines(part, size), 0.9, parts=len(moments))
        for part, size in zip(moments, sizes, strict=True)
    ]
    share = max(sizes) / moments[0]["full_size"].iloc[0]
    return finding(
        all_of(decisions),
        "{size} examples, {share} % of the data, give a cosine of {effect} ({low} to {high}) with the "
        "full gradient, at the moment that decides of {moments}.",
        "{size} 个样本(占数据的 {share} %)的梯度与全数据梯度的余弦为 {effect}({low} 至 {high}),取 {moments} 个时刻中起决定作用者。",
        size=max(sizes),
        share=plain(100 * share),
        moments=len(moments),
    )


@claim(
    "direction-saturates",
    theme="gradients",
    study="gradient probes",
    statement={
        "en": "Beyond some batch size the direction of descent hardly changes any more.",
        "zh": "批量达到一定大小后,下降方向基本不再变化。",
    },
    rule={
        "en": "At every probed moment the cosine with the full gradient is less than 0.1 short of 1 at "
        "the second largest probed batch, so that all larger ones together gain less (Student's t over "
        "draws).",
        "zh": "在每个探测时刻,次大探测批量与全数据梯度的余弦距 1 不足 0.1,因此更大的批量合计增益更小(对抽样作 t 检验)。",
    },
    effect={
        "en": "cosine left to gain beyond the second largest batch",
        "zh": "超过次大批量后余弦的剩余增益",
    },
)
def direction_saturates(evidence: Evidence) -> Finding | None:
    moments = [part for part in _moments(evidence) if len(_sizes(part)) > 2]
    if not moments:
        return None
    decisions = [
        decide(_cosines(part, _sizes(part)[-2]) - 1, -0.1, show=negated, parts=len(moments))
        for part in moments
    ]
    size, full = _sizes(moments[0])[-2], moments[0]["full_size"].iloc[0]
    return finding(
        all_of(decisions),
        "Beyond {size} examples, {share} % of the data, a cosine of {effect} ({low} to {high}) is left to "
        "gain, at the moment that decides of {moments}.",
        "超过 {size} 个样本(占数据的 {share} %)后,余弦的剩余增益为 {effect}({low} 至 {high}),取 {moments} 个时刻中起决定作用者。",
        size=size,
        share=plain(100 * size / full),
        moments=len(moments),
    )
