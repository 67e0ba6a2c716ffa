"""Claims about speed and memory, decided on the timing sessions."""

import numpy as np
import pandas as pd

from batchmark.claims.decision import as_ratio, decide, negated
from batchmark.claims.evidence import Evidence, Family, Finding, claim, families_of, finding
from batchmark.statistics.intervals import Array


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
    correlation = np.array([spearman(family.sizes.astype(float), one) for one in logs.T])
    fastest = family.sizes[int(np.nanargmin(family.relative_seconds))]
    return finding(
        decide(-correlation, 0.8, show=negated),
        count=len(family.sizes),
        fastest=fastest,
        smallest=family.sizes[0],
        ratio=family.relative_seconds[0] / np.nanmin(family.relative_seconds),
    )


def spearman(one: Array, other: Array) -> float:
    """Rank correlation; ties get their mean rank. NaN where a side is constant."""
    return float(pd.Series(one).rank().corr(pd.Series(other).rank()))


@claim("memory-bound")
def memory_bound(evidence: Evidence) -> Finding | None:
    """Does the peak memory grow by more than 10 % from the smallest to the largest batch?"""
    found = [_memory(family) for data in evidence.studies for family in families_of(data, 2)]
    growth = np.array([one for one in found if one is not None])
    if not len(growth):
        return None
    return finding(
        decide(growth, np.log(1.1), show=as_ratio),
        fits=evidence.largest_batch_size or "?",
    )


def _memory(family: Family) -> float | None:
    peaks = family.data.memory[family.rows]
    known = peaks[~np.isnan(peaks)]
    return float(np.log(known[-1] / known[0])) if len(known) > 1 and known[0] > 0 else None
