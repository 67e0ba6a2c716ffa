"""Claims about how many epochs and how much time the target takes at which batch size."""

# The decorator's words document each claim, and Chinese counts double in a line's length.
# ruff: noqa: D103, E501

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.claims.decision import (
    Bound,
    Decision,
    Show,
    all_of,
    as_is,
    as_ratio,
    bound_of,
    cross_fitted,
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
    settled,
)
from batchmark.analysis.claims.registry import Finding, claim, finding
from batchmark.analysis.claims.wording import plain
from batchmark.analysis.intervals import wilson
from batchmark.analysis.outcomes import column

Array = NDArray[np.float64]

ENOUGH_EPOCHS = 200


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
        "size by an exponent of more than 0.1 (slope on log-log axes per seed, Student's t); sizes "
        "that never learn are left out. Averaging over more examples alone gives an exponent of -0.5.",
        "zh": "训练后半程单步损失的标准差随批量下降的指数大于 0.1(每个种子在双对数轴上的斜率,t 检验);不学习的批量除外。仅对更多样本取平均就会得到 -0.5 的指数。",
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
        "power of {effect} ({low} to {high}; {n} seeds).",
        "从批量 {smallest} 到 {largest},单步损失的波动随批量的 {effect} 次幂变化({low} 至 {high};{n} 个种子)。",
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
        "target in 200 epochs (Wilson's interval); trials stopped earlier by a smaller budget tell "
        "nothing.",
        "zh": "批量 1 和 2 的试验中,超过一半发散、学不到东西或 200 轮内未达标(Wilson 区间);因预算较小而提前结束的试验不计。",
    },
    effect={"en": "share of trials that fail", "zh": "失败试验的比例"},
    percent=True,
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
    verdict = "supported" if low > 0.5 else "refuted" if high < 0.5 else "inconclusive"
    return finding(
        Decision(verdict, effect, low, high, 0.5, n),
        "{failed} of {n} trials at batch sizes up to 2 failed to converge ({effect}, {low} to {high}); "
        "{kinds}.",
        "批量不超过 2 的 {n} 次试验中有 {failed} 次未收敛({effect},{low} 至 {high});{kinds}。",
        failed=failed,
        kinds=", ".join(sorted(set(_trials(family)["status"]))),
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
        "a miss counts as the budget, which at a large batch understates the growth and then refutes "
        "nothing; sizes that never learn are left out.",
        "zh": "达标轮数随批量增长的指数大于 0.05(每个种子在双对数轴上的斜率,t 检验);在固定学习率以及(若有测量)调优学习率下均须成立;未达标按预算计(在大批量处只会低估增长,因此不据此否定);不学习的批量除外。",
    },
    effect={"en": "exponent of epochs to target over batch size", "zh": "达标轮数随批量变化的指数"},
)
def more_epochs(evidence: Evidence) -> Finding | None:
    main = main_family(evidence)
    tuned = [f for f in families_of(evidence.study("learning_rate")) if "tuned" in f.label]
    found = [_exponents(f) for f in [*([main] if main else []), *tuned]]
    known = [one for one in found if one is not None]
    if not known:
        return None
    decisions = [
        decide(one.slopes, 0.05, least_variance=one.least, parts=len(known), bound=one.bound)
        for one in known
    ]
    smallest, largest = known[0].range
    return finding(
        all_of(decisions),
        "From batch size {smallest} to {largest} epochs to target go as the batch size to the power of "
        "{effect} ({low} to {high}; {n} seeds; {settings} rate settings).",
        "从批量 {smallest} 到 {largest},达标轮数随批量的 {effect} 次幂变化({low} 至 {high};{n} 个种子;{settings} 种学习率设置)。",
        smallest=smallest,
        largest=largest,
        settings=len(known),
    )


class Exponents(NamedTuple):
    """Slope of log epochs over log batch size per seed, and over which sizes."""

    slopes: Array
    least: float
    bound: Bound
    range: tuple[int, int]


def _exponents(family: Family) -> Exponents | None:
    """None with fewer than three sizes that learn, or where no more than one reached the target."""
    family = family.only(family.learns)
    missed = np.isinf(family.block.epochs_to()[family.rows])
    if len(family.rows) < 3 or (~missed).any(axis=1).sum() < 2:
        return None
    logs = np.log(family.epochs())
    known = ~np.isnan(logs).any(axis=0)
    sizes = np.log(family.sizes)
    larger = sizes > sizes.mean()
    return Exponents(
        slopes(sizes, logs[:, known]),
        slope_variance(sizes, family.grid_variance()),
        bound_of(lower=bool(missed[larger].any()), upper=bool(missed[~larger].any())),
        (int(family.sizes[0]), int(family.sizes[-1])),
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
        "the budget, and at an end refutes nothing).",
        "zh": "用其他种子选出的最佳中间批量,其达标用时比最小和最大批量都短 10 % 以上(每个种子一个值,t 检验;未达标按预算计,两端的未达标不据此否定)。",
    },
    effect={
        "en": "time to target at the better end over the best in between",
        "zh": "较好一端与最佳中间批量的达标用时之比",
    },
)
def time_optimum(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    family = family.only(~np.isnan(family.relative_seconds)) if family else None
    if family is None or len(family.rows) < 3:
        return None
    reached = np.isfinite(family.block.epochs_to()[family.rows])
    if not reached.any():
        return None
    logs = np.log(family.epochs() * family.relative_seconds[:, None])
    # A size that misses takes longer than its budget: never the best in between.
    logs = np.where(reached | _is_end(logs), logs, logs + np.log(10.0))
    least = 2 * float(np.median(family.grid_variance()[reached.any(axis=1)]))
    found = _interior(logs, np.log(1.1), show=as_ratio, least_variance=least, reached=reached)
    if found is None:
        return None
    return finding(
        all_of(found.ends),
        "The best in between ({best}) is {at_smallest} times as fast as batch size {smallest} and "
        "{at_largest} times as fast as {largest}{bound_en}; {n} seeds.",
        "最佳中间批量({best})的达标速度是批量 {smallest} 的 {at_smallest} 倍、批量 {largest} 的 {at_largest} 倍{bound_zh};{n} 个种子。",
        **_ends_and_best(family, found, plain),
        **_unreached(family, reached),
    )


def _unreached(family: Family, reached: NDArray[np.bool_]) -> dict[str, str]:
    """What to add when an end missed the target and was counted at its budget."""
    ends = [int(family.sizes[row]) for row in (0, -1) if not reached[row].all()]
    sizes = {"en": " and ".join(map(str, ends)), "zh": "、".join(map(str, ends))}
    return {
        "bound_en": f" at least, for {sizes['en']} missed the target" if ends else "",
        "bound_zh": f"以上(批量 {sizes['zh']} 未达标)" if ends else "",
    }


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
        "lower than both the smallest and the largest by more than 0.1 points (per seed, Student's t). "
        "It is not supported by an end that in fewer than 200 epochs had not settled, its best error "
        "coming in the last quarter of the budget: more epochs might have been all it lacked.",
        "zh": "用其他种子选出的最佳中间批量,其最佳验证误差比最小和最大批量都低 0.1 个百分点以上(每个种子一个值,t 检验)。若某一端在不足 200 轮内尚未稳定(最佳误差出现在预算的最后四分之一),则不予支持:它可能只是训练不够。",
    },
    effect={
        "en": "best validation error at the better end minus the best in between",
        "zh": "较好一端与最佳中间批量的最佳验证误差之差",
    },
    percent=True,
)
def accuracy_optimum(evidence: Evidence) -> Finding | None:
    family = main_family(evidence)
    if family is None:
        return None
    enough = family.block.budget[family.rows] >= ENOUGH_EPOCHS
    done = settled(family) | enough | ~family.learns
    found = _interior(family.trials("best_validation_error"), 0.001, reached=done[:, None])
    if found is None:
        return None
    unsettled = [str(family.sizes[row]) for row in (0, -1) if not done[row]]
    return finding(
        all_of(found.ends),
        "The best in between ({best}) has a validation error {at_smallest} points below that of batch size "
        "{smallest} and {at_largest} points below that of {largest} within {budget} epochs{still_en}; {n} seeds.",
        "最佳中间批量({best})在 {budget} 轮内的验证误差比批量 {smallest} 低 {at_smallest} 个百分点,比批量 {largest} 低 {at_largest} 个百分点{still_zh};{n} 个种子。",
        budget=plain(float(np.nanmax(family.block.budget[family.rows]))),
        still_en=f", but {' and '.join(unsettled)} still improved" if unsettled else "",
        still_zh=f",但批量 {'、'.join(unsettled)} 仍在改善" if unsettled else "",
        **_ends_and_best(family, found, lambda effect: plain(100 * effect)),
    )


def _is_end(values: Array) -> NDArray[np.bool_]:
    rows = np.arange(len(values))
    return ((rows == 0) | (rows == len(values) - 1))[:, None]


class Interior(NamedTuple):
    """The best in between against the smallest and the largest, and the rows chosen for it."""

    ends: list[Decision]
    chosen: list[int]


def _interior(
    values: Array,
    margin: float,
    *,
    reached: NDArray[np.bool_],
    show: Show = as_is,
    least_variance: float = 0.0,
) -> Interior | None:
    """Is the least of `values` [size, seed] in between, by a margin against both ends?

    The size in between is chosen on the other seeds. `reached` [size, seed or 1]: false where a
    value is only a bound: of a time from below, of an error that still falls from above.
    """
    values = values[:, ~np.isnan(values).any(axis=0)]
    if values.shape[1] == 0 or len(values) < 3:
        return None
    best = -cross_fitted(-values[1:-1])
    times = show is as_ratio
    ends = [
        decide(
            values[row] - best,
            margin,
            show=show,
            least_variance=least_variance,
            chosen=True,
            parts=2,
            bound="" if reached[row].all() else "lower" if times else "upper",
        )
        for row in (0, -1)
    ]
    return Interior(ends, sorted({int(row) + 1 for row in left_out_best(-values[1:-1])}))


def _ends_and_best(family: Family, found: Interior, show: Callable[[float], str]) -> dict[str, str]:
    """The sizes compared, and each end's effect with its interval."""
    smallest, largest = (
        f"{show(end.effect)} ({show(end.low)} … {show(end.high)})" for end in found.ends
    )
    return {
        "smallest": str(family.sizes[0]),
        "largest": str(family.sizes[-1]),
        "best": ", ".join(str(family.sizes[row]) for row in found.chosen),
        "at_smallest": smallest,
        "at_largest": largest,
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
        "an exponent of more than 0.1 (slope on log-log axes per seed, Student's t).",
        "zh": "达标用时最短的批量随训练图像数增长的指数大于 0.1(每个种子在双对数轴上的斜率,t 检验)。",
    },
    effect={"en": "exponent of the best batch size over data", "zh": "最佳批量随数据量变化的指数"},
)
def grows_with_data(evidence: Evidence) -> Finding | None:
    found = families_of(evidence.study("train_size"), 3)
    best = [(family, _best_sizes(family)) for family in found]
    known = [(family, sizes) for family, sizes in best if sizes is not None]
    counts = np.array(
        [family.block.variants["train_size"].iloc[family.rows[0]] for family, _ in known], float
    )
    if len(set(counts.tolist())) < 2:
        return None
    logs = np.log(np.array([sizes for _, sizes in known], float))
    return finding(
        decide(slopes(np.log(counts), logs), 0.1),
        "From {fewest} to {most} images the best batch size goes as their number to the power of "
        "{effect} ({low} to {high}; {n} seeds).",
        "从 {fewest} 到 {most} 张图像,最佳批量随其数量的 {effect} 次幂变化({low} 至 {high};{n} 个种子)。",
        fewest=int(counts.min()),
        most=int(counts.max()),
    )


def _best_sizes(family: Family) -> Array | None:
    """The fastest size per seed; None where a seed reached the target nowhere."""
    family = family.only(~np.isnan(family.relative_seconds))
    if not len(family.rows):
        return None
    epochs = family.block.epochs_to()[family.rows]
    if np.isnan(epochs).any() or np.isinf(epochs).all(axis=0).any():
        return None
    return family.sizes[(epochs * family.relative_seconds[:, None]).argmin(axis=0)].astype(float)
