"""Claims about how many epochs and how much time the target takes at which batch size."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    bounded,
    decide,
    left_out_best,
    negated,
)
from batchmark.analysis.claims.evidence import (
    FAILED,
    Evidence,
    Family,
    families_of,
    main_family,
)
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain, points
from batchmark.analysis.intervals import wilson
from batchmark.analysis.outcomes import column

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ENOUGH_EPOCHS = 200
# Four of four fail by chance in one case of 16, five of five in one of 32.
FEWEST_TRIALS = 5
# Stands for a value that no size in between is chosen for, above any real one.
LAST_CHOICE = 1e6


def slopes(x: Array, y: Array) -> Array:
    """Least-squares slope over the first axis for every replicate (column) of `y`."""
    away = x - x.mean()
    return away @ y / (away @ away)


def slope_variance(x: Array, variance: Array) -> float:
    """Variance of such a slope when each point has its own."""
    away = x - x.mean()
    return float(away**2 @ variance / (away @ away) ** 2)


@claim(
    "less-oscillation",
    theme="batch size",
    study="batch_size",
    statement={
        "en": "Within reason, larger batches make training oscillate less.",
        "zh": "在合理范围内,批量越大,训练过程的震荡越小。",
    },
    rule={
        "en": "The standard deviation of step losses in the later half of training falls with the batch "
        "size by an exponent of more than 0.1 (slope on log-log axes per seed, Student's t); sizes that "
        "never learn are left out. Weights that stood still would give 0.5 by averaging alone.",
        "zh": "训练后半程单步损失的标准差随批量下降的指数大于 0.1(每个种子在双对数轴上的斜率,t 检验);不学习的批量除外。若权重不动,仅由样本平均即为 0.5。",
    },
    effect={
        "en": "exponent of the loss's spread over batch size",
        "zh": "损失波动随批量变化的指数",
    },
)
def less_oscillation(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    family = family.only(family.learns) if family else None
    if family is None or len(family.rows) < 3:
        return None
    with np.errstate(divide="ignore"):
        spread = np.log(family.trials("oscillation"))
    known = np.isfinite(spread).all(axis=1)
    if known.sum() < 3:
        return None
    exponent = slopes(np.log(family.sizes[known]), spread[known])
    return finding(
        decide(-exponent, 0.1, show=negated),
        "From batch size {smallest} to {largest} the spread of step losses goes as the batch size to the "
        "power of {effect} ({low} to {high}; {n} seeds); averaging alone makes it -0.5.",
        "从批量 {smallest} 到 {largest},单步损失的波动随批量的 {effect} 次幂变化({low} 至 {high};{n} 个种子);仅样本平均即为 -0.5。",
        smallest=family.sizes[known][0],
        largest=family.sizes[known][-1],
    )


@claim(
    "too-small-fails",
    theme="batch size",
    study="batch_size",
    statement={
        "en": "Too small a batch does not converge within 200 epochs.",
        "zh": "批量过小时,200 轮内不收敛。",
    },
    rule={
        "en": "Of the trials at batch sizes 1 and 2 more than half diverge, never learn or miss the "
        "target in 200 epochs (Wilson's interval; fewer than 5 trials never decide); trials stopped "
        "earlier by a smaller budget tell nothing.",
        "zh": "批量 1 和 2 的试验中,超过一半发散、学不到东西或 200 轮内未达标(Wilson 区间,少于 5 次试验不作结论);因预算较小而提前结束的试验不计。",
    },
    effect={"en": "share of trials that fail", "zh": "失败试验的比例"},
    unit="percent",
)
def too_small_fails(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    family = family.only(family.sizes <= 2) if family else None
    if family is None or not len(family.rows):
        return None
    failed, reached = _fates(family)
    n = failed + reached
    if not n:
        return None
    share = wilson(failed, n)
    effect, low, high = (float(part) for part in share)
    few = n < FEWEST_TRIALS
    verdict = "supported" if low > 0.5 else "refuted" if high < 0.5 else "inconclusive"
    return finding(
        Decision("inconclusive" if few else verdict, effect, low, high, 0.5, n),
        "{failed} of {n} trials at batch sizes up to 2 failed to converge ({effect}, {low} to {high}); "
        "{kinds}{few_en}.",
        "批量不超过 2 的 {n} 次试验中有 {failed} 次未收敛({effect},{low} 至 {high});{kinds}{few_zh}。",
        failed=failed,
        kinds=", ".join(sorted(set(_trials(family)["status"]))),
        few_en=f"; at least {FEWEST_TRIALS} trials are needed to decide" if few else "",
        few_zh=f";至少需要 {FEWEST_TRIALS} 次试验才能作出结论" if few else "",
    )


def _trials(family: Family) -> pd.DataFrame:
    ids = [family.block.ids[row] for row in family.rows]
    return family.block.outcomes[family.block.outcomes["variant"].isin(ids)]


def _fates(family: Family) -> tuple[int, int]:
    """(failed, reached); a miss in a budget below 200 epochs is neither."""
    trials = _trials(family)
    missed = np.isinf(trials[column(family.block.target)].to_numpy(float))
    hopeless = trials["status"].isin(FAILED).to_numpy(bool)
    enough = (trials["budget"] >= ENOUGH_EPOCHS).to_numpy(bool)
    return int((missed & (hopeless | enough)).sum()), int((~missed).sum())


@claim(
    "more-epochs",
    theme="batch size",
    study="batch_size and learning_rate",
    statement={
        "en": "The larger the batch, the more epochs the same accuracy takes.",
        "zh": "批量越大,达到同样精度所需的轮数越多。",
    },
    rule={
        "en": "Epochs to the target grow with the batch size by an exponent of more than 0.05 (slope on "
        "log-log axes per seed, Student's t), at the fixed rate and, where measured, at the tuned one; "
        "a miss counts as the budget, and never makes the verdict towards which that errs; sizes that "
        "never learn are left out.",
        "zh": "达标轮数随批量增长的指数大于 0.05(每个种子在双对数轴上的斜率,t 检验);在固定学习率以及(若有测量)调优学习率下均须成立;未达标按预算计,且不得造成其偏差所指向的结论;不学习的批量除外。",
    },
    effect={"en": "exponent of epochs to target over batch size", "zh": "达标轮数随批量变化的指数"},
)
def more_epochs(evidence: Evidence) -> Finding | None:
    main = main_family(evidence)
    tuned = [f for f in families_of(evidence.study("learning_rate")) if "tuned" in f.label]
    found = [_learning(f) for f in [*([main] if main else []), *tuned]]
    known = [one for one in found if one is not None]
    if not known:
        return None
    sizes = known[0].sizes
    return finding(
        all_of([_growth(one, parts=len(known)) for one in known]),
        "From batch size {smallest} to {largest} epochs to target go as the batch size to the power of "
        "{effect} ({low} to {high}; {n} seeds; {settings} rate settings; {missed} of {trials} trials missed "
        "the target).",
        "从批量 {smallest} 到 {largest},达标轮数随批量的 {effect} 次幂变化({low} 至 {high};{n} 个种子;{settings} 种学习率设置;{trials} 次试验中 {missed} 次未达标)。",
        smallest=sizes[0],
        largest=sizes[-1],
        settings=len(known),
        missed=sum(int(one.missed.sum()) for one in known),
        trials=sum(one.missed.size for one in known),
    )


def _learning(family: Family) -> Family | None:
    """The sizes that learn; None with fewer than three, or when the target was never reached."""
    family = family.only(family.learns)
    return None if len(family.rows) < 3 or family.missed.all() else family


def _growth(family: Family, parts: int) -> Decision:
    """Does log epochs rise with log batch size by more than 0.05?"""
    logs, sizes = np.log(family.epochs()), np.log(family.sizes)
    logs = logs[:, ~np.isnan(logs).any(axis=0)]
    least = slope_variance(sizes, family.grid_variance())
    found = decide(slopes(sizes, logs), 0.05, least_variance=least, parts=parts)
    small = sizes < sizes.mean()
    return bounded(
        found,
        too_low=bool(family.missed[~small].any()),
        too_high=bool(family.missed[small].any()),
    )


@claim(
    "time-optimum",
    theme="batch size",
    study="batch_size",
    statement={
        "en": "Some batch size in between reaches the target in the least time.",
        "zh": "存在一个用时最短的中间批量。",
    },
    rule={
        "en": "The best batch size in between, chosen on the other seeds, beats both the smallest and "
        "the largest by more than 10 % of the time to target (per seed, Student's t; a miss counts as "
        "the budget, and never makes the verdict towards which that errs).",
        "zh": "用其他种子选出的最佳中间批量,其达标用时比最小和最大批量都短 10 % 以上(每个种子一个值,t 检验;未达标按预算计,且不得造成其偏差所指向的结论)。",
    },
    effect={
        "en": "time to target at an end over the best in between (the end that decides)",
        "zh": "一端与最佳中间批量的达标用时之比(取起决定作用的一端)",
    },
)
def time_optimum(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    family = family.only(~np.isnan(family.relative_seconds)) if family else None
    if family is None or len(family.rows) < 3:
        return None
    missed = family.missed
    if missed.all():
        return None
    logs = np.log(family.epochs() * family.relative_seconds[:, None])
    least = 2 * float(np.median(family.grid_variance()[~missed.all(axis=1)]))
    test = partial(decide, margin=np.log(1.1), show=as_ratio, least_variance=least, parts=2)
    found = _interior(logs, missed, test, lower=True)
    if found is None:
        return None
    return finding(
        all_of(found.ends),
        "The best in between ({best}) reaches the target {first} ({first_low} to {first_high}) times as "
        "fast as batch size {smallest} and {last} ({last_low} to {last_high}) times as fast as {largest}, "
        "over {n} seeds{caution_en}.",
        "最佳中间批量({best})达标速度是批量 {smallest} 的 {first} 倍({first_low} 至 {first_high}),是批量 {largest} 的 {last} 倍({last_low} 至 {last_high};{n} 个种子{caution_zh})。",
        **_ends_and_best(family, found, plain),
        **_caution(
            family,
            missed,
            "; batch size {sizes} missed it in some trial, which counts as the budget",
            ";批量 {sizes} 有试验未达标,按预算计",
        ),
    )


@claim(
    "accuracy-optimum",
    theme="batch size",
    study="batch_size",
    statement={
        "en": "Some batch size in between reaches the best final accuracy.",
        "zh": "也存在一个最终精度最好的中间批量。",
    },
    rule={
        "en": "The best batch size in between, chosen on the other seeds, has a best validation error "
        "lower than both the smallest and the largest by more than 0.1 points (per seed, Student's t). A "
        "size that has not settled (best validation error in the last quarter of the budget) may still "
        "improve, and never makes the verdict towards which that errs.",
        "zh": "用其他种子选出的最佳中间批量,其最佳验证误差比最小和最大批量都低 0.1 个百分点以上(每个种子一个值,t 检验)。尚未稳定的批量(最佳验证误差出现在预算的最后四分之一)仍可能改善,不得造成其偏差所指向的结论。",
    },
    effect={
        "en": "best validation error at an end minus the best in between (the end that decides)",
        "zh": "一端与最佳中间批量的最佳验证误差之差(取起决定作用的一端)",
    },
    unit="points",
)
def accuracy_optimum(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    if family is None:
        return None
    unsettled = ~family.settled
    test = partial(decide, margin=0.001, parts=2)
    found = _interior(family.trials("best_validation_error"), unsettled, test, lower=False)
    if found is None:
        return None
    return finding(
        all_of(found.ends),
        "Within {budget} epochs the best in between ({best}) has a validation error lower by {first} "
        "points ({first_low} to {first_high}) than batch size {smallest} and by {last} points ({last_low} "
        "to {last_high}) than {largest}, over {n} seeds{caution_en}.",
        "在 {budget} 轮内,最佳中间批量({best})的验证误差比批量 {smallest} 低 {first} 个百分点({first_low} 至 {first_high}),比批量 {largest} 低 {last} 个百分点({last_low} 至 {last_high};{n} 个种子{caution_zh})。",
        budget=plain(float(np.nanmax(family.block.budget[family.rows]))),
        **_ends_and_best(family, found, points),
        **_caution(
            family,
            unsettled,
            "; batch size {sizes} was still improving",
            ";批量 {sizes} 仍在改善",
        ),
    )


class Interior(NamedTuple):
    """The decisions against the smallest and the largest size, and the rows chosen in between."""

    ends: list[Decision]
    chosen: list[int]


def _interior(
    values: Array, doubtful: Mask, test: Callable[..., Decision], *, lower: bool
) -> Interior | None:
    """Is the least of `values` [size, seed] in between, by `test` against both ends?

    `doubtful` values are only bounds of the truth, `lower` ones or upper ones. The size in between
    is chosen on the other seeds, one without lower bounds where there is one.
    """
    known = ~np.isnan(values).any(axis=0)
    values, doubtful = values[:, known], doubtful[:, known]
    if values.shape[1] == 0 or len(values) < 3:
        return None
    rows = 1 + left_out_best(np.where(doubtful & lower, -LAST_CHOICE, -values)[1:-1])
    best = rows, np.arange(len(rows))
    ends = []
    for end in (0, -1):
        found = test(values[end] - values[best], chosen=len(values) > 3)
        doubts = bool(doubtful[end].any()), bool(doubtful[best].any())
        too_low, too_high = doubts if lower else doubts[::-1]
        ends.append(bounded(found, too_low=too_low, too_high=too_high))
    return Interior(ends, sorted(set(rows.tolist())))


def _ends_and_best(
    family: Family, found: Interior, style: Callable[[float], str]
) -> dict[str, object]:
    numbers: dict[str, object] = {
        "smallest": family.sizes[0],
        "largest": family.sizes[-1],
        "best": ", ".join(str(family.sizes[row]) for row in found.chosen),
    }
    for name, end in zip(("first", "last"), found.ends, strict=True):
        shown = (style(value) for value in (end.effect, end.low, end.high))
        numbers |= dict(zip((name, f"{name}_low", f"{name}_high"), shown, strict=True))
    return numbers


def _caution(family: Family, doubtful: Mask, en: str, zh: str) -> dict[str, object]:
    """Which sizes have doubtful trials, as the end of a sentence; empty where none has."""
    sizes = ", ".join(str(size) for size in family.sizes[doubtful.any(axis=1)])
    return {
        f"caution_{language}": text.format(sizes=sizes) if sizes else ""
        for language, text in (("en", en), ("zh", zh))
    }


@claim(
    "grows-with-data",
    theme="batch size",
    study="train_size",
    statement={
        "en": "The best batch size grows with the size of the training set.",
        "zh": "训练集越大,最佳批量越大。",
    },
    rule={
        "en": "The batch size with the least time to target grows with the number of training images by "
        "an exponent of more than 0.1 (slope on log-log axes per seed, Student's t); numbers of images "
        "where a seed never reached it, or a size that missed it might still be the fastest, are left out.",
        "zh": "达标用时最短的批量随训练图像数增长的指数大于 0.1(每个种子在双对数轴上的斜率,t 检验);有种子从未达标、或未达标的批量仍可能最快的数据量除外。",
    },
    effect={"en": "exponent of the best batch size over data", "zh": "最佳批量随数据量变化的指数"},
)
def grows_with_data(evidence: Evidence) -> Finding | None:
    found = families_of(evidence.study("train_size"), 3)
    best = [(_images(family), _best_sizes(family)) for family in found]
    known = {images: sizes for images, sizes in best if sizes is not None}
    if len(known) < 2:
        return None
    logs = np.log(np.array(list(known.values())))
    return finding(
        decide(slopes(np.log(list(known)), logs), 0.1),
        "From {fewest} to {most} images the best batch size goes as their number to the power of "
        "{effect} ({low} to {high}; {n} seeds), over {known} of {count} numbers of images.",
        "从 {fewest} 到 {most} 张图像,最佳批量随其数量的 {effect} 次幂变化({low} 至 {high};{n} 个种子),取 {count} 种数据量中的 {known} 种。",
        fewest=int(min(known)),
        most=int(max(known)),
        known=len(known),
        count=len(found),
    )


def _images(family: Family) -> float:
    return float(family.block.variants["train_size"].iloc[family.rows[0]])


def _best_sizes(family: Family) -> Array | None:
    """The fastest size per seed; None where it is unknown for a seed.

    Unknown: the target was reached nowhere, or a miss spent less time than the best took.
    """
    family = family.only(~np.isnan(family.relative_seconds))
    seconds = family.epochs() * family.relative_seconds[:, None]
    reached = np.where(family.missed, np.inf, seconds)
    if (
        not len(seconds)
        or np.isnan(seconds).any()
        or (reached.min(axis=0) > seconds.min(axis=0)).any()
    ):
        return None
    return family.sizes[reached.argmin(axis=0)].astype(float)
