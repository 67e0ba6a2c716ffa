"""Claims about whether conclusions hold on other data, of studies of every data set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from batchmark.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    bounded,
    decide,
    decide_mean,
    inverted,
)
from batchmark.claims.evidence import (
    Evidence,
    Family,
    Finding,
    Pair,
    SpeedUps,
    bounds,
    claim,
    families_of,
    finding,
    pairs,
    speed_ups,
)
from batchmark.contract.hyperparameters import dataset_of, on_any
from batchmark.dataset.local import KNOWN
from batchmark.statistics.log_times import LogTimes, log_times
from batchmark.statistics.study_data import StudyData


class Both(NamedTuple):
    """The parts of a study on the first data set and on another one."""

    first: StudyData
    other: StudyData

    def titles(self) -> dict[str, object]:
        """What readers call the data sets, as the fields `first` and `other`."""
        names = [str(data.variants["dataset"].iloc[0]) for data in self]
        titles = (KNOWN[name].title if name in KNOWN else name for name in names)
        return dict(zip(self._fields, titles, strict=True))


def _both(evidence: Evidence) -> Iterator[Both]:
    firsts = {data.study.name: data for data in evidence.studies if not dataset_of(data.ids[0])}
    for other in evidence.studies:
        if dataset := dataset_of(other.ids[0]):
            stem = other.study.name.removesuffix(dataset)
            bare = {on_any(variant) for variant in other.ids}
            parts = [part for name, part in firsts.items() if name.startswith(stem)]
            yield from (Both(first, other) for first in parts if bare & {*first.ids})


# What a size may cost over the fastest before it is no good choice.
GOOD = 1.25


class Carried(NamedTuple):
    """The fastest size on one data set, and what it costs on the other: against each other size."""

    size: int
    costs: list[Decision]


@claim("workload-batch-size")
def workload_batch_size(evidence: Evidence) -> Finding | None:
    """Does the size that is fastest on one data set cost less than 1.25 of any on another?"""
    for both in _both(evidence):
        families = _same_families(both)
        if families is None:
            continue
        first, other = families
        there, back = _carried(first, other), _carried(other, first)
        return finding(
            all_of([*there.costs, *back.costs]),
            **both.titles(),
            best=there.size,
            other_best=back.size,
            **bounds("there", all_of(there.costs)),
            **bounds("back", all_of(back.costs)),
            missed=sum(int(family.missed.sum()) for family in families),
            trials=sum(int(family.asked.sum()) for family in families),
        )
    return None


def _same_families(both: Both) -> tuple[Family, Family] | None:
    """The family with the most sizes that was raced and timed on both, if any."""
    others = {family.label: family for family in map(_raced, families_of(both.other))}
    known = [
        (first, others[first.label])
        for first in map(_raced, families_of(both.first))
        if first.label in others and len(first.rows) > 1
    ]
    # Costs are compared size by size.
    same = [two for two in known if [*two[0].sizes] == [*two[1].sizes]]
    reached = [two for two in same if not any(family.missed.all() for family in two)]
    return max(reached, key=lambda two: len(two[0].rows), default=None)


def _raced(family: Family) -> Family:
    return family.only(~np.isnan(family.relative_seconds) & family.ran)


def _carried(family: Family, to: Family) -> Carried:
    """Every rival must be beaten or close: no choice among them, so none to be corrected for."""
    times = log_times(family.data, family.rows, family.data.target)
    best = min(range(len(family.rows)), key=lambda row: (times.missed[row], times.estimate[row]))
    there = log_times(to.data, to.rows, to.data.target)
    rivals = [row for row in range(len(to.rows)) if row != best]
    # There and back, against every rival: one refutation refutes the claim.
    costs = [_cost(there, best, rival, 2 * len(rivals), to.seeds) for rival in rivals]
    return Carried(int(family.sizes[best]), costs)


def _cost(times: LogTimes, size: int, rival: int, parts: int, seeds: int) -> Decision:
    """Is the time at `size` less than `GOOD` times that at `rival`?"""
    gain = times.difference(rival, size)
    decision = decide_mean(gain, -np.log(GOOD), show=inverted, parts=parts, n=seeds)
    return bounded(
        decision,
        too_low=bool(times.missed[rival] or times.first[size]),
        too_high=bool(times.missed[size] or times.first[rival]),
    )


class Contrast(NamedTuple):
    """Two settings on the first data set, and the same on another."""

    here: Pair
    there: Pair


class Sign(NamedTuple):
    """Whether a contrast has one sign on both data sets, and what it is on each.

    `decision`: supported where it is known on both and the same, refuted where it is known and
    opposite; its effect is the speed-up on the other of what looks faster on the first.
    """

    contrast: Contrast
    turned: bool
    first: Decision
    decision: Decision


@claim("workload-optimizers")
def workload_optimizers(evidence: Evidence) -> Finding | None:
    """Do any two optimizers come in the same order on another data set?"""
    return _same_signs(evidence, _optimizer_pairs, "optimizer")


@claim("workload-normalization")
def workload_normalization(evidence: Evidence) -> Finding | None:
    """Does normalization speed training up, or slow it down, on both data sets?"""
    return _same_signs(evidence, _normalization_pairs, "normalization")


def _optimizer_pairs(data: StudyData) -> list[Pair]:
    names = dict.fromkeys(data.variants["optimizer"])
    return [
        pair
        for first, second in combinations(names, 2)
        for pair in pairs(
            [data],
            treated=lambda v, name=first: v["optimizer"] == name,
            control=lambda v, name=second: v["optimizer"] == name,
            differing=("optimizer", "rate"),
        )
    ]


def _normalization_pairs(data: StudyData) -> list[Pair]:
    return pairs(
        [data],
        treated=lambda v: v["normalization"] != "none",
        control=lambda v: v["normalization"] == "none",
        differing=("normalization",),
    )


def _same_signs(
    evidence: Evidence, paired: Callable[[StudyData], list[Pair]], axis: str
) -> Finding | None:
    for both in _both(evidence):
        contrasts = _contrasts(paired(both.first), paired(both.other))
        signs = [sign for each in contrasts if (sign := _sign(each, len(contrasts)))]
        if signs:
            return _of_signs(both, signs, axis, len(contrasts))
    return None


def _contrasts(here: Sequence[Pair], there: Sequence[Pair]) -> list[Contrast]:
    known = {_settings(pair): pair for pair in there}
    return [Contrast(pair, known[key]) for pair in here if (key := _settings(pair)) in known]


def _settings(pair: Pair) -> tuple[str, str]:
    treated, control = (pair.data.ids[row] for row in (pair.treated, pair.control))
    return on_any(treated), on_any(control)


def _sign(contrast: Contrast, parts: int) -> Sign | None:
    here, there = (speed_ups([pair]) for pair in contrast)
    if not (here.logs.size and there.logs.size):
        return None
    turned = bool(here.logs.mean() < 0)
    first, other = _faster(here, turned, parts), _faster(there, turned, parts)
    # An opposite sign is a matter of both: where the first is not known, nothing is turned round.
    surely = _faster(here, not turned, parts).verdict == "refuted"
    settled = surely if other.verdict == "refuted" else first.verdict == "supported"
    p = float(np.max([first.p, other.p]))
    decision = replace(other, p=p, verdict=other.verdict if settled else "inconclusive")
    return Sign(contrast, turned, first, decision)


def _faster(gains: SpeedUps, turned: bool, parts: int) -> Decision:
    """Is the treated side faster at all, or where it is `turned` the control?"""
    decision = decide(
        (-1 if turned else 1) * gains.logs[0],
        0.0,
        least_variance=float(gains.least_variance[0]),
        show=as_ratio,
        parts=parts,
    )
    low, high = bool(gains.too_low[0]), bool(gains.too_high[0])
    return bounded(decision, too_low=high if turned else low, too_high=low if turned else high)


def _of_signs(both: Both, signs: Sequence[Sign], axis: str, count: int) -> Finding:
    verdict = all_of([sign.decision for sign in signs])
    verdicts = [sign.decision.verdict for sign in signs]
    deciding = next(s for s in signs if s.decision.effect == verdict.effect)
    here = deciding.contrast.here
    names = [here.data.variants[axis].iloc[row] for row in (here.treated, here.control)]
    faster, slower = reversed(names) if deciding.turned else names
    return finding(
        verdict,
        **both.titles(),
        count=count,
        informative=len(signs),
        same=verdicts.count("supported"),
        opposite=verdicts.count("refuted"),
        untold=verdicts.count("inconclusive"),
        faster=[faster],
        slower=[slower],
        **bounds("speed", deciding.first),
    )
