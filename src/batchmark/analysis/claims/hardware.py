"""Claims about speed and memory, decided on the timing blocks."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

import numpy as np
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import as_ratio, decide, negated
from batchmark.analysis.claims.evidence import Evidence, Family, families_of
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain

Array = NDArray[np.float64]


def _timed(evidence: Evidence) -> Family | None:
    """The family with the most timed batch sizes, the main study's where they tie."""
    first = [evidence.main] if evidence.main else []
    found = [family for block in [*first, *evidence.blocks] for family in families_of(block)]
    timed = [family.only(~np.isnan(family.relative_seconds)) for family in found]
    return max((f for f in timed if len(f.rows) > 2), key=lambda f: len(f.rows), default=None)


def _rounds(family: Family) -> Array:
    """log relative seconds per epoch [size, round], only rounds that timed every size."""
    ratios = family.block.ratios[family.rows]
    return np.log(ratios[:, ~np.isnan(ratios).any(axis=0)])


@claim(
    "hardware-efficiency",
    theme="hardware",
    study="timings",
    statement={
        "en": "Larger batches use the hardware better: more examples a second, a larger share of its "
        "peak.",
        "zh": "批量越大,硬件利用率越高:每秒处理的样本更多,更接近峰值性能。",
    },
    rule={
        "en": "The largest timed batch trains more than 1.5 times as many examples a second as the "
        "smallest (paired by round, Student's t).",
        "zh": "最大计时批量每秒训练的样本数超过最小批量的 1.5 倍(按轮次配对,t 检验)。",
    },
    effect={
        "en": "examples per second, largest over smallest batch",
        "zh": "最大与最小批量的吞吐比",
    },
)
def hardware_efficiency(evidence: Evidence) -> Finding | None:
    family = _timed(evidence)
    if family is None:
        return None
    logs = _rounds(family)
    examples = np.log(family.block.variants["examples_per_epoch"].to_numpy(float)[family.rows])
    gain = logs[0] - logs[-1] + examples[-1] - examples[0]
    decision = decide(gain, np.log(1.5), show=as_ratio)
    return finding(
        decision,
        "Batch size {largest} trains {effect} ({low} to {high}) times as many examples a second as "
        "batch size {smallest}, over {n} rounds.",
        "批量 {largest} 的吞吐是批量 {smallest} 的 {effect} 倍({low} 至 {high}),共 {n} 轮计时。",
        smallest=family.sizes[0],
        largest=family.sizes[-1],
    )


@claim(
    "faster-epochs",
    theme="hardware",
    study="timings",
    statement={
        "en": "The larger the batch, the fewer steps an epoch has and the less time it takes.",
        "zh": "批量越大,每轮的迭代次数越少,用时也越短。",
    },
    rule={
        "en": "The rank correlation (Spearman) of batch size and seconds per epoch is below -0.8 "
        "(one value a round, Student's t).",
        "zh": "批量与每轮用时的秩相关(Spearman)低于 -0.8(每轮计时一个值,t 检验)。",
    },
    effect={"en": "rank correlation of batch size and epoch time", "zh": "批量与每轮用时的秩相关"},
)
def faster_epochs(evidence: Evidence) -> Finding | None:
    family = _timed(evidence)
    if family is None:
        return None
    logs = _rounds(family)
    correlation = np.array([spearman(family.sizes.astype(float), one) for one in logs.T])
    fastest = family.sizes[int(np.nanargmin(family.relative_seconds))]
    return finding(
        decide(-correlation, 0.8, show=negated),
        "Over {count} batch sizes the rank correlation of size and epoch time is {effect} ({low} to "
        "{high}; {n} rounds); the fastest epoch is at {fastest}, {ratio} times as fast as at {smallest}.",
        "在 {count} 个批量上,批量与每轮用时的秩相关为 {effect}({low} 至 {high};{n} 轮);批量 {fastest} 时最快,是批量 {smallest} 的 {ratio} 倍。",
        count=len(family.sizes),
        fastest=fastest,
        smallest=family.sizes[0],
        ratio=plain(family.relative_seconds[0] / np.nanmin(family.relative_seconds)),
    )


def spearman(one: Array, other: Array) -> float:
    """Rank correlation; ties get their mean rank. NaN where a side is constant."""
    first, second = _ranks(one), _ranks(other)
    if not (np.ptp(first) and np.ptp(second)):
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Array) -> Array:
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    upto = np.searchsorted(ordered, values, "right")
    return (below + upto - 1) / 2


@claim(
    "memory-bound",
    theme="hardware",
    study="timings",
    statement={
        "en": "Memory grows with the batch and in the end bounds it.",
        "zh": "内存占用随批量增长,最终成为批量的上限。",
    },
    rule={
        "en": "From the smallest to the largest timed batch of a study's settings the peak memory grows "
        "by more than 10 % (one value per setting, Student's t); where it ends is predicted, not "
        "tested.",
        "zh": "同一设置下,从最小到最大计时批量,峰值内存增长超过 10 %(每种设置一个值,t 检验);上限为预测值,未经检验。",
    },
    effect={"en": "peak memory, largest over smallest batch", "zh": "最大与最小批量的峰值内存之比"},
)
def memory_bound(evidence: Evidence) -> Finding | None:
    found = [_memory(family) for block in evidence.blocks for family in families_of(block, 2)]
    growth = np.array([one for one in found if one is not None])
    if not len(growth):
        return None
    return finding(
        decide(growth, np.log(1.1), show=as_ratio),
        "Over {n} settings the peak memory at the largest batch is {effect} ({low} to {high}) times that "
        "at the smallest; from that the largest batch predicted to fit is {fits}, which was not tried.",
        "在 {n} 种设置中,最大批量的峰值内存是最小批量的 {effect} 倍({low} 至 {high});据此预测可容纳的最大批量为 {fits},未经实测。",
        fits=evidence.largest_batch_size or "?",
    )


def _memory(family: Family) -> float | None:
    peaks = family.block.memory[family.rows]
    known = peaks[~np.isnan(peaks)]
    return float(np.log(known[-1] / known[0])) if len(known) > 1 and known[0] > 0 else None
