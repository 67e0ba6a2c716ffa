"""Claims about speed, memory and accumulated batches, decided on the timing sessions."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from batchmark.claims.decision import (
    RESOLVABLE,
    all_of,
    as_ratio,
    decide,
    equal,
    left_out_best,
    limited,
    negated,
)
from batchmark.claims.evidence import (
    Evidence,
    Family,
    Finding,
    Pair,
    bounds,
    claim,
    families_of,
    finding,
    matrix,
    mean_counting_variance,
    pairs,
)
from batchmark.statistics.intervals import Array

# By the doubling, for studies span 20 to 100 or 1 to 5000; 14 % over a hundredfold batch.
MEMORY_GROWTH = 1.02
ERROR = "best_validation_error"


def _timed(evidence: Evidence) -> Family | None:
    """The family with the most timed batch sizes, the main study's where they tie."""
    first = [evidence.main] if evidence.main else []
    found = [family for data in [*first, *evidence.studies] for family in families_of(data)]
    timed = [family.only(~np.isnan(family.relative_seconds)) for family in found]
    return max((f for f in timed if len(f.rows) > 2), key=lambda f: len(f.rows), default=None)


def _rounds(family: Family) -> Array:
    """log relative seconds per epoch [size, round], only rounds that timed every size."""
    ratios = family.data.ratios[family.rows]
    return np.log(ratios[:, ~np.isnan(ratios).any(axis=0)])


@claim("hardware-efficiency")
def hardware_efficiency(evidence: Evidence) -> Finding | None:
    """Does the largest batch train 1.5 times as many examples a second as the smallest?"""
    family = _timed(evidence)
    if family is None:
        return None
    logs = _rounds(family)
    examples = np.log(family.data.variants["examples_per_epoch"].to_numpy(float)[family.rows])
    # Examples a second: a last batch that is left out makes epochs of large sizes shorter.
    gain = logs[0] - logs[-1] + examples[-1] - examples[0]
    decision = decide(gain, np.log(1.5), show=as_ratio)
    return finding(
        decision,
        smallest=family.sizes[0],
        largest=family.sizes[-1],
    )


@claim("faster-epochs")
def faster_epochs(evidence: Evidence) -> Finding | None:
    """Is the rank correlation of batch size and epoch time below -0.8?"""
    family = _timed(evidence)
    if family is None:
        return None
    logs = _rounds(family)
    correlation = np.array([spearman(family.sizes.astype(float), of_round) for of_round in logs.T])
    fastest = family.sizes[int(np.nanargmin(family.relative_seconds))]
    return finding(
        decide(
            -correlation,
            0.8,
            show=limited(-1, 1, negated),
            least_variance=rank_variance(len(family.sizes)),
        ),
        count=len(family.sizes),
        fastest=fastest,
        smallest=family.sizes[0],
        ratio=family.relative_seconds[0] / np.nanmin(family.relative_seconds),
    )


def spearman(one: Array, other: Array) -> float:
    """Rank correlation; ties get their mean rank. NaN where a side is constant."""
    return float(pd.Series(one).rank().corr(pd.Series(other).rank()))


def rank_variance(count: int) -> float:
    """Variance of a rank correlation over `count` values from the steps it can change in only."""
    # 1 - 6 Σd² / (n³ - n), and Σd² is even: steps of 12 / (n³ - n), uniform within one.
    return (12 / (count**3 - count)) ** 2 / 12


@claim("memory-bound")
def memory_bound(evidence: Evidence) -> Finding | None:
    """Does the peak memory grow by more than 2 % when the batch doubles?"""
    measured = [_memory(family) for data in evidence.studies for family in families_of(data, 2)]
    # Studies share variants, and variants of one training graph share its measurement.
    pairs = {pair.ids: pair for pair in measured if pair is not None}
    growth = list({pair.peaks: pair.per_doubling for pair in pairs.values()}.values())
    if not growth:
        return None
    return finding(
        decide(growth, np.log(MEMORY_GROWTH), show=as_ratio),
        fits=evidence.largest_batch_size or "?",
    )


class Memory(NamedTuple):
    """The smallest and largest measured size of a family, and the growth of log peak memory."""

    ids: tuple[str, str]
    peaks: tuple[float, float]
    per_doubling: float


def _memory(family: Family) -> Memory | None:
    peaks = family.data.memory[family.rows]
    known = np.flatnonzero(peaks > 0)
    if len(known) < 2:
        return None
    first, last = known[0], known[-1]
    ids = family.data.ids[family.rows[first]], family.data.ids[family.rows[last]]
    doublings = np.log2(family.sizes[last] / family.sizes[first])
    growth = float(np.log(peaks[last] / peaks[first]) / doublings)
    return Memory(ids, (float(peaks[first]), float(peaks[last])), growth)


# `fit` costs 1.5 to 2.3 times as much where it was looked at; less than a quarter changes no plan.
SLOWER, COSTLIER = 1.25, 1.05


@claim("loop-changes-speed")
def loop_changes_speed(evidence: Evidence) -> Finding | None:
    """Does an epoch in another loop take over 1.25 times as long as in the graph?"""
    timed = _other_loop(evidence)
    if timed is None:
        return None
    name, graph, other = timed
    slower = np.log(other.data.ratios[other.rows] / graph.data.ratios[graph.rows]).mean(axis=0)
    decision = decide(slower[~np.isnan(slower)], np.log(SLOWER), show=as_ratio)
    return finding(decision, loop=name, sizes=graph.sizes.tolist())


@claim("loop-changes-best-size")
def loop_changes_best_size(evidence: Evidence) -> Finding | None:
    """Does the graph's best size cost over 5 % in another loop, over the best there?

    Both are chosen on the other seeds, of the sizes that reached the target.
    """
    timed = _other_loop(evidence)
    if timed is None:
        return None
    name, *both = timed
    reached = np.all(np.isfinite(both[0].data.epochs_to()[both[0].rows]), axis=1)
    graph, other = (family.only(reached) for family in both)
    if len(graph.rows) < 2:
        return None
    epochs = np.log(graph.epochs())
    own, others = (epochs + np.log(each.relative_seconds)[:, None] for each in (graph, other))
    chosen, best = left_out_best(-own), left_out_best(-others)
    seeds = np.arange(epochs.shape[1])
    # Both sizes' epochs are read off their own evaluations.
    least = 2 * float(np.median(graph.grid_variance()))
    excess = others[chosen, seeds] - others[best, seeds]
    decision = decide(excess, np.log(COSTLIER), show=as_ratio, least_variance=least, chosen=True)
    return finding(
        decision,
        loop=name,
        graph=graph.sizes[int(own.mean(axis=1).argmin())],
        other=graph.sizes[int(others.mean(axis=1).argmin())],
    )


def _other_loop(evidence: Evidence) -> tuple[str, Family, Family] | None:
    """`fit`, or else the first loop beside the graph, and a family of sizes timed in both."""
    for data in evidence.studies:
        name = "fit" if "fit" in data.loops else next(iter(data.loops), None)
        for family in families_of(data, 2) if name else []:
            other = Family(data.under(str(name)), family.label, family.rows)
            timed = ~np.isnan(family.relative_seconds) & ~np.isnan(other.relative_seconds)
            if timed.sum() > 1:
                return str(name), family.only(timed), other.only(timed)
    return None


@claim("accumulation-equal")
def accumulation_equal(evidence: Evidence) -> Finding | None:
    """Do k accumulated batches end like one k times as large, in 1.05 times the time?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: v["accumulation"] > 1,
        control=lambda v: v["accumulation"] == 1,
        differing=("accumulation", "batch_size"),
    )
    same = [pair for pair in tested if _same_update(pair)]
    errors = matrix([pair.change(ERROR) for pair in same])
    slower = [_slower(pair) for pair in same]
    rounds = min((len(ratios) for ratios in slower if len(ratios)), default=0)
    timed = np.array([ratios[:rounds] for ratios in slower if len(ratios)])
    if not (errors.size and timed.size):
        return None
    time = decide(timed.mean(axis=0), np.log(1.05), show=as_ratio, parts=3)
    counted = mean_counting_variance(ERROR, same)
    ends = equal(errors.mean(axis=0), RESOLVABLE, least_variance=counted, parts=3)
    return finding(
        all_of([*ends, time]),
        count=len(errors),
        **bounds("error", ends[0]),
        **bounds("slower", time),
    )


def _same_update(pair: Pair) -> bool:
    """Does the control's batch hold as many examples as the treated one's accumulated ones?"""
    sizes = pair.data.variants["batch_size"]
    return bool(
        pair.describe("accumulation") * sizes.iloc[pair.treated] == sizes.iloc[pair.control]
    )


def _slower(pair: Pair) -> Array:
    """log of the epoch time over the control's, per round that timed both."""
    ratios = pair.data.ratios[[pair.treated, pair.control]]
    ratios = ratios[:, ~np.isnan(ratios).any(axis=0)]
    return np.log(ratios[0] / ratios[1])
