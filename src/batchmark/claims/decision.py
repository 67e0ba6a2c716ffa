"""The decision rule that all claims are built of.

The replicates (seeds, rounds, draws) of an effect give Student's 95 % interval. The claim is
supported when the interval lies beyond the margin that matters, refuted when it lies on the other
side of it (an effect too small to matter, or opposite), else the data are inconclusive. Margins are
fixed beforehand, in the claims. Values that are only bounds of the truth never make the verdict
towards which they err (`bounded`). Where replicates are read off a grid (of evaluations, images,
batch sizes, ranks) its known variance is a floor for theirs; without one, replicates that agree
are counted by the sign test, of which fewer than six decide nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batchmark.statistics.intervals import (
    FEWEST_FOR_ORDER,
    LEVEL,
    Array,
    Mean,
    agree,
    mean_of,
)

POWER = 0.8
# Two runs that are equally good, one error in a hundred, differ on 10,000 images by up to
# 1.96 sqrt(2 * 0.01 * 0.99 / 10,000) = 0.28 points by chance: no smaller difference matters.
RESOLVABLE = 0.003

Verdict = Literal["supported", "refuted", "inconclusive", "not measured"]
Show = Callable[[float], float]


def as_is(value: float) -> float:
    """Show an effect in the unit it was computed in."""
    return value


def as_ratio(value: float) -> float:
    """Show a difference of logarithms as the ratio it stands for; 1e300 instead of an overflow."""
    return float(np.exp(min(value, 690.0)))


def negated(value: float) -> float:
    """Show an effect that was turned round so that more of it speaks for the claim."""
    return -value


def inverted(value: float) -> float:
    """Show a difference of logarithms, turned round, as the ratio it stands for."""
    return as_ratio(-value)


def limited(least: float, most: float, show: Show = as_is) -> Show:
    """Show an effect, and its interval, inside of what its kind can be, as a cosine in -1 … 1."""
    return lambda value: float(np.clip(show(value), least, most))


@dataclass(frozen=True)
class Decision:
    """A verdict and the effect behind it, in the unit shown.

    Bounds are NaN for one replicate, and for too few that agree. `p`: of the effect being the
    margin, two-sided. `detectable`: the effect that 80 % of such experiments would tell
    from the margin; of a claim with two margins (`equal`) the effect may lie beyond the other one.
    """

    verdict: Verdict
    effect: float
    low: float
    high: float
    margin: float
    n: int
    p: float = np.nan
    detectable: float = np.nan

    @property
    def room(self) -> float:
        """How many half-widths of the interval lie between the effect and the margin."""
        half = abs(self.high - self.low) / 2
        return abs(self.effect - self.margin) / half if half > 0 else np.inf


def decide(  # noqa: PLR0913 all but two are rarely given
    values: ArrayLike,
    margin: float,
    *,
    least_variance: float = 0.0,
    chosen: bool = False,
    show: Show = as_is,
    parts: int = 1,
) -> Decision:
    """Decide by the mean of independent replicates, oriented so that more speaks for the claim.

    `parts`: how many such decisions together make a verdict that one refutation refutes; the
    bound for refuting is widened accordingly (Bonferroni). `least_variance`: see `mean_of`.
    `chosen`: the values come from `cross_fitted` and so depend on each other; their error is
    enlarged after Nadeau & Bengio (2003), one replicate being left out at a time.
    """
    sample = np.asarray(values, float)
    mean, n = mean_of(sample, least_variance), int(sample.shape[-1])
    if chosen and n > 1:
        mean = mean._replace(squared_error=mean.squared_error * (1 + n / (n - 1)))
    return decide_mean(mean, margin, show=show, parts=parts, n=n)


def decide_mean(  # noqa: PLR0913 as for `decide`
    mean: Mean, margin: float, *, n: int, show: Show = as_is, parts: int = 1, choices: int = 1
) -> Decision:
    """The same for a mean whose standard error is known already.

    `choices`: of how many options the same data chose the one that it is about; the interval is
    widened accordingly (Bonferroni).
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415

    estimate, error = float(mean.estimate), float(np.sqrt(mean.squared_error))
    freedom, tail = float(mean.freedom), (1 - LEVEL) / 2 / choices
    if not error >= 0 or not freedom > 0:
        return Decision("inconclusive", show(estimate), np.nan, np.nan, show(margin), n)
    if agree(error**2, max(abs(estimate), abs(margin))):
        return _by_signs(estimate, margin, n, show, tail / parts)
    half = float(stdtrit(freedom, 1 - tail)) * error
    half_to_refute = float(stdtrit(freedom, 1 - tail / parts)) * error
    verdict: Verdict = "inconclusive"
    if estimate - half > margin:
        verdict = "supported"
    elif estimate + half_to_refute < margin:
        verdict = "refuted"
    low, high = sorted((show(estimate - half), show(estimate + half)))
    tests = choices * (parts if estimate < margin else 1)
    p = min(1.0, 2 * tests * float(stdtr(freedom, -abs(estimate - margin) / error)))
    power = half + float(stdtrit(freedom, POWER)) * error
    return Decision(verdict, show(estimate), low, high, show(margin), n, p, show(margin + power))


def _by_signs(
    estimate: float, margin: float, n: int, show: Show, tail_to_refute: float
) -> Decision:
    """The sign test of `n` replicates that all say the same."""
    chance, bound = 0.5**n, show(estimate) if n >= FEWEST_FOR_ORDER else np.nan
    verdict: Verdict = "inconclusive"
    if estimate > margin and chance <= (1 - LEVEL) / 2:
        verdict = "supported"
    elif estimate < margin and chance <= tail_to_refute:
        verdict = "refuted"
    p = 1.0 if estimate == margin else min(1.0, 2 * chance)
    return Decision(verdict, show(estimate), bound, bound, show(margin), n, p)


def bounded(decision: Decision, *, too_low: bool, too_high: bool) -> Decision:
    """The decision where some values are only bounds of the truth: inconclusive if they made it.

    `too_low`: some values understate the effect, so that it is not refuted; `too_high`: some
    overstate it, so that it is not supported.
    """
    misled = (too_low and decision.verdict == "refuted") or (
        too_high and decision.verdict == "supported"
    )
    return replace(decision, verdict="inconclusive", p=1.0) if misled else decision


def all_of(decisions: Sequence[Decision]) -> Decision:
    """The verdict on a claim that holds only if every part does; the part that decided it.

    An intersection-union test (Berger 1982): no correction is needed for supporting.
    """
    for verdict in ("refuted", "inconclusive", "supported"):
        alike = [part for part in decisions if part.verdict == verdict]
        if alike:
            pick = max if verdict == "refuted" else min
            chosen = pick(alike, key=lambda part: (part.room, abs(part.effect - part.margin)))
            # What needs every part is as doubtful as the most doubtful of them.
            weakest = float(np.max([part.p for part in decisions]))
            return chosen if verdict == "refuted" else replace(chosen, p=weakest)
    raise ValueError("no part was decided")


def cross_fitted(values: Array) -> Array:
    """Of several options [option, replicate] the best, free of the winner's curse.

    For each replicate the option that is best on the others, so that no replicate chooses the
    option it is counted for. With one replicate only, the mean over options.
    """
    if values.shape[1] < 2:
        return values.mean(axis=0)
    return values[left_out_best(values), np.arange(values.shape[1])]


def left_out_best(values: Array) -> NDArray[np.intp]:
    """For each replicate the option with the largest mean over the other replicates, if any."""
    if values.shape[1] < 2:
        return values.argmax(axis=0)
    return (values.sum(axis=1, keepdims=True) - values).argmax(axis=0)


def equal(  # noqa: PLR0913 as for `decide`
    values: ArrayLike,
    margin: float,
    *,
    shown: tuple[Show, Show] = (as_is, negated),
    least_variance: float = 0.0,
    too_low: bool = False,
    too_high: bool = False,
    parts: int = 2,
) -> list[Decision]:
    """Both halves of an equivalence test (Schuirmann 1987): neither below -margin nor above it.

    `shown`: how to show the effect, and the effect turned round. `too_low`, `too_high`: see
    `bounded`; `parts`: see `decide`, these two included.
    """
    sample = np.asarray(values, float)
    halves = zip((sample, -sample), shown, strict=True)
    above, below = (
        decide(half, -margin, least_variance=least_variance, show=show, parts=parts)
        for half, show in halves
    )
    return [
        bounded(above, too_low=too_low, too_high=too_high),
        bounded(below, too_low=too_high, too_high=too_low),
    ]
