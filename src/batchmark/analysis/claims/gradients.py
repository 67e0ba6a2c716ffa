"""Claims about the direction and size of gradients, decided on the gradient probes.

Draws from one network are not independent of each other: where several networks (seeds) were
probed, each is one replicate, with the mean over its draws; where one was, its draws are the
replicates and the verdict is about that network, which the sentence says.
"""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.analysis.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    cross_fitted,
    decide,
    decide_mean,
    negated,
)
from batchmark.analysis.claims.evidence import Evidence, main_family
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain, points
from batchmark.analysis.intervals import Mean, mean_of

MOMENT = ["variant", "moment"]
MEDIAN, TOP = 0.5, 0.99
LARGEST_RATIO = 1e6
# The share of the data up to which a batch is one that larger ones could still improve on.
FEW = 0.2


def _moments(evidence: Evidence) -> list[pd.DataFrame]:
    """The draws of each probed variant at each moment of its training."""
    return [part for _, part in evidence.draws.groupby(MOMENT, sort=False)]


def _replicates(part: pd.DataFrame, name: str = "cosine") -> "pd.Series[float]":
    """A column's mean per network, by seed; its values where there is one network only."""
    values = part.set_index("seed")[name].dropna()
    return values.groupby(level=0).mean() if values.index.nunique() > 1 else values


def _cosines(part: pd.DataFrame, size: int) -> "pd.Series[float]":
    return _replicates(part[part["batch_size"] == size])


def _networks(parts: Sequence[pd.DataFrame]) -> dict[str, object]:
    """What the sentences say about the replicates: networks, or draws of one network."""
    count = len(pd.concat([part[["variant", "seed"]] for part in parts]).drop_duplicates())
    plural = "s" if count > 1 else ""
    return {"networks_en": f"{count} network{plural}", "networks_zh": f"{count} 个网络"}


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
        "at the largest probed batch than at the smallest (t over networks, or Welch's t over the draws "
        "of a single one). The full gradient itself is the reference, so that only the size of the gain "
        "is tested, not that there is one.",
        "zh": "在每个探测时刻,最大探测批量的梯度与全数据梯度的余弦比最小批量高 0.1 以上(对网络作 t 检验,只有一个网络时对抽样作 Welch t 检验)。参照即全数据梯度本身,因此检验的只是增量大小,而非有无。",
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
        "({low} to {high}; {networks_en}), at the moment that decides of {moments}; that it grows at all is "
        "certain, the full gradient being the reference.",
        "从批量 {smallest} 到 {largest},与全数据梯度的余弦增加 {effect}({low} 至 {high};{networks_zh}),取 {moments} 个时刻中起决定作用者;以全数据梯度为参照,增加本身是必然的。",
        smallest=smallest,
        largest=largest,
        moments=len(moments),
        **_networks(moments),
    )


def _ends(part: pd.DataFrame) -> tuple[int, int]:
    sizes = _sizes(part)
    return sizes[0], sizes[-1]


def _gain(part: pd.DataFrame, small: int, large: int, margin: float, parts: int) -> Decision:
    """Is the cosine at `large` greater than at `small` by more than the margin?"""
    high, low = _cosines(part, large), _cosines(part, small)
    if part["seed"].nunique() > 1:
        return decide((high - low).dropna().to_numpy(float), margin, parts=parts)
    difference = _difference(mean_of(high), mean_of(low))
    return decide_mean(difference, margin, n=len(high) + len(low), parts=parts)


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
        "(geometric mean over moments for each network, Student's t over networks, or over the moments of "
        "a single one); normally distributed gradients of one scale would give 3.8.",
        "zh": "单个权重 |梯度| 的 99 % 分位数超过中位数的 10 倍(每个网络对时刻取几何平均,对网络作 t 检验,只有一个网络时对时刻作检验);同一尺度的正态分布梯度只会给出 3.8。",
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
        logs = np.log(wide[TOP] / middle)
    logs = logs[np.isfinite(logs)]
    networks = logs.groupby(level=["variant", "seed"]).mean()
    return finding(
        decide(networks if len(networks) > 1 else logs, np.log(10.0), show=as_ratio),
        "One weight in a hundred has a gradient more than {effect} ({low} to {high}) times the median "
        "weight's, over {probes} probes of {networks_en}.",
        "每百个权重中有一个的梯度超过中位权重的 {effect} 倍({low} 至 {high};{networks_zh}的 {probes} 次探测)。",
        probes=len(logs),
        **_networks([logs.index.to_frame(index=False)]),
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
        "0.2 at every moment, and the best validation error at batch size 1 exceeds that of the batch "
        "size that is best on the other seeds by more than one point (paired by seed).",
        "zh": "须同时成立:批量为 1 时相邻两步梯度的平均余弦在每个时刻都低于 0.2;其最佳验证误差比在其他种子上最佳的批量高出 1 个百分点以上(按种子配对)。",
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
        decide(-_replicates(part, "successive_cosine"), -0.2, show=negated, parts=parts)
        for part in single
    ]
    errors = family.trials("best_validation_error")
    errors = errors[:, ~np.isnan(errors).any(axis=0)]
    if not errors.size:
        return None
    worse = errors[0] + cross_fitted(-errors[1:])
    misses = decide(worse, 0.01, chosen=len(errors) > 2, parts=parts)
    cosine = max(turn.effect for turn in turns)
    return finding(
        all_of([*turns, misses]),
        "Consecutive gradients at batch size 1 have a cosine of at most {cosine}; its best validation "
        "error is {excess} points above the best batch size's ({networks_en} probed, {seeds} seeds; the "
        "deciding interval is {low} to {high}).",
        "批量为 1 时相邻梯度的余弦不超过 {cosine};其最佳验证误差比最佳批量高 {excess} 个百分点(探测 {networks_zh},{seeds} 个种子;决定性区间为 {low} 至 {high})。",
        cosine=plain(cosine),
        excess=points(misses.effect),
        seeds=misses.n,
        **_networks(single),
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
        "cosine above 0.9 with the full gradient (Student's t over networks, or over the draws of a single "
        "one).",
        "zh": "在每个探测时刻,不超过一半数据的最大探测批量与全数据梯度的平均余弦大于 0.9(对网络作 t 检验,只有一个网络时对抽样)。",
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
        "{size} examples, {share} % of the data, give a cosine of {effect} ({low} to {high}; "
        "{networks_en}) with the full gradient, at the moment that decides of {moments}.",
        "{size} 个样本(占数据的 {share} %)的梯度与全数据梯度的余弦为 {effect}({low} 至 {high};{networks_zh}),取 {moments} 个时刻中起决定作用者。",
        size=max(sizes),
        share=plain(100 * share),
        moments=len(moments),
        **_networks(moments),
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
        "en": "At every probed moment the largest probed batch of at most a fifth of the data leaves the "
        "cosine with the full gradient less than 0.1 to gain, however much larger the batch (Student's t "
        "over networks, or over the draws of a single one).",
        "zh": "在每个探测时刻,从不超过五分之一数据的最大探测批量起,无论批量再增大多少,与全数据梯度的余弦至多还能增加不到 0.1(对网络作 t 检验,只有一个网络时对抽样)。",
    },
    effect={
        "en": "gain in cosine that larger batches have left",
        "zh": "更大批量所能再增加的余弦",
    },
)
def direction_saturates(evidence: Evidence) -> Finding | None:
    moments = [part for part in _moments(evidence) if _sizes(part, FEW)]
    if not moments:
        return None
    sizes = [_sizes(part, FEW)[-1] for part in moments]
    decisions = [
        decide(_cosines(part, size) - 1, -0.1, show=negated, parts=len(moments))
        for part, size in zip(moments, sizes, strict=True)
    ]
    share = max(sizes) / moments[0]["full_size"].iloc[0]
    return finding(
        all_of(decisions),
        "Beyond {size} examples, {share} % of the data, the cosine with the full gradient has {effect} "
        "({low} to {high}; {networks_en}) left to gain, at the moment that decides of {moments}.",
        "超过 {size} 个样本(占数据的 {share} %)后,与全数据梯度的余弦至多再增加 {effect}({low} 至 {high};{networks_zh}),取 {moments} 个时刻中起决定作用者。",
        size=max(sizes),
        share=plain(100 * share),
        moments=len(moments),
        **_networks(moments),
    )
