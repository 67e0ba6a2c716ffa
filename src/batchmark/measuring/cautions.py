"""What makes a block's timings less trustworthy, found from its visits and the machine's state.

Nothing is dropped on account of a caution: it is shown beside the numbers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from batchmark.results.timing import Caution, Visit

DRIFT_LIMIT = 0.05
SPREAD_LIMIT = 0.10
OUTLIER_LIMIT = 3.5
BUSY_CORES = 0.1
STOLEN_SHARE = 0.02
SLOWDOWN_LIMIT = 0.05

Facts = Mapping[str, Any]


def find_cautions(
    visits: Sequence[Visit], anchor: str, before: Facts, after: Facts
) -> list[Caution]:
    """Every caution of one block. `before` and `after` are `machine.observe()` around it."""
    return [
        *drift(visits, anchor),
        *spread(visits),
        *outliers(visits),
        *busy(before, after),
        *stolen(before, after),
        *throttled(before, after),
        *slowed(before, after),
    ]


def drift(visits: Sequence[Visit], anchor: str) -> list[Caution]:
    """The anchor's median of some round is over 5 % away from its median of the block."""
    rounds: dict[int, list[float]] = defaultdict(list)
    for visit in visits:
        if visit.subject == anchor:
            rounds[visit.round].append(visit.elapsed_ns / visit.steps)
    medians = np.array([np.median(times) for times in rounds.values()])
    largest = float(np.max(np.abs(medians / np.median(medians) - 1))) if rounds else 0.0
    if largest <= DRIFT_LIMIT:
        return []
    text = f"The anchor's step time moved by {largest:.0%} between rounds: the machine drifts."
    return [Caution(code="drift", subject=anchor, text=text)]


def spread(visits: Iterable[Visit]) -> list[Caution]:
    """A subject's step times have a standard deviation over 10 % of their mean."""
    shares = {name: _variation(times) for name, times in _step_times(visits).items()}
    return [
        Caution(code="spread", subject=name, text=f"Step times vary by {share:.0%} of their mean.")
        for name, share in shares.items()
        if share > SPREAD_LIMIT
    ]


def outliers(visits: Iterable[Visit]) -> list[Caution]:
    """A subject has visits whose modified z-score exceeds 3.5 (Iglewicz and Hoaglin 1993)."""
    counts = {
        name: (int(np.sum(np.abs(modified_z(times)) > OUTLIER_LIMIT)), len(times))
        for name, times in _step_times(visits).items()
    }
    return [
        Caution(
            code="outliers",
            subject=name,
            text=f"{count} of {of} visits lie far from the others (modified z > {OUTLIER_LIMIT}).",
        )
        for name, (count, of) in counts.items()
        if count
    ]


def modified_z(values: np.ndarray) -> np.ndarray:
    """0.6745 (x - median) / MAD of each value; 0 where the MAD is 0 and x the median."""
    centred = values - np.median(values)
    deviation = np.median(np.abs(centred))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(0.6745 * centred / deviation, nan=0.0)


def busy(before: Facts, after: Facts) -> list[Caution]:
    """Other processes used more than a tenth of a core during the block."""
    used = _change(before, after, "busy_seconds") - _change(before, after, "own_seconds")
    used -= _change(before, after, "stolen_seconds")
    cores = used / _change(before, after, "elapsed_seconds")
    if cores <= BUSY_CORES:
        return []
    load = before["load"][0]
    text = (
        f"Other processes kept {cores:.1f} cores busy meanwhile (load {load:.1f} at the start): "
        "close them and time again."
    )
    return [Caution(code="busy", text=text)]


def stolen(before: Facts, after: Facts) -> list[Caution]:
    """The hypervisor gave more than 2 % of a core's time to other guests."""
    share = _change(before, after, "stolen_seconds") / _change(before, after, "elapsed_seconds")
    if share <= STOLEN_SHARE:
        return []
    text = f"The host of this virtual machine took {share:.0%} of a core for others meanwhile."
    return [Caution(code="stolen", text=text)]


def throttled(before: Facts, after: Facts) -> list[Caution]:
    """The cgroup's quota or heat stopped the cores, or the GPU says what slows it."""
    counters = {
        "cgroup_throttled": "The CPU quota of this container",
        "thermal_throttled": "Heat",
    }
    found = [
        Caution(code="throttled", text=f"{what} slowed the processor {count} times meanwhile.")
        for key, what in counters.items()
        if (count := (after[key] or 0) - (before[key] or 0)) > 0
    ]
    reasons = {reason for gpu in after["gpus"] for reason in gpu["slowed_by"]}
    if reasons:
        text = f"The GPU was slowed by its {' and '.join(sorted(reasons))}."
        found.append(Caution(code="throttled", text=text))
    return found


def slowed(before: Facts, after: Facts) -> list[Caution]:
    """The cores' mean frequency fell by more than 5 % during the block."""
    if not (before["frequency_mhz"] and after["frequency_mhz"]):
        return []
    first, last = np.mean(before["frequency_mhz"]), np.mean(after["frequency_mhz"])
    if last >= first * (1 - SLOWDOWN_LIMIT):
        return []
    text = f"The processor's frequency fell from {first:.0f} to {last:.0f} MHz meanwhile."
    return [Caution(code="slowed", text=text)]


def _step_times(visits: Iterable[Visit]) -> dict[str, np.ndarray]:
    times: dict[str, list[float]] = defaultdict(list)
    for visit in visits:
        times[visit.subject].append(visit.elapsed_ns / visit.steps)
    return {name: np.array(values) for name, values in times.items()}


def _variation(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.mean(values)) if len(values) > 1 else 0.0


def _change(before: Facts, after: Facts, key: str) -> float:
    return float(after[key] - before[key])
