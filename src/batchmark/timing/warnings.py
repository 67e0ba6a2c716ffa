"""What makes timings less trustworthy, found in the readings and the machine's state."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from batchmark.contract.record import ResultWarning
from batchmark.contract.timing import Visit


def ratios_to_baseline(visits: Iterable[Visit], baseline: str) -> dict[str, np.ndarray]:
    """By subject, its time a step over the baseline's at that moment of the round.

    One number a visit; a visit without one is left out, and one that was repeated.
    """
    rounds: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        if not visit.repeated:
            rounds[visit.round].append(visit)
    ratios: dict[str, list[float]] = defaultdict(list)
    for members in rounds.values():
        costs = np.array([step_time(visit) for visit in members])
        moments = np.array([visit.start_ns + visit.elapsed_ns / 2 for visit in members])
        baselines = np.array([visit.subject == baseline for visit in members])
        for visit, ratio in zip(members, ratio_to_line(moments, costs, baselines), strict=True):
            if np.isfinite(ratio):
                ratios[visit.subject].append(ratio)
    return {subject: np.array(values) for subject, values in ratios.items()}


def ratio_to_line(moments: np.ndarray, costs: np.ndarray, baselines: np.ndarray) -> np.ndarray:
    """The costs of one round's visits, each over the baseline's at its moment.

    That is a straight line through the logarithms of the `baselines` among them: neither their
    level in this round nor their drift within it stays in a ratio. NaN: there are none.
    """
    if not baselines.any():
        return np.full(len(costs), np.nan)
    logs, level = np.log(costs), np.log(costs[baselines]).mean()
    away = moments - moments[baselines].mean()
    length = (away[baselines] ** 2).sum()
    slope = (away[baselines] @ logs[baselines]) / length if length else 0.0
    return np.exp(logs - level - slope * away)


def step_time(visit: Visit) -> float:
    """Nanoseconds a step."""
    return visit.elapsed_ns / visit.steps


# A quiet machine stays below each of these; ratios to the baseline bear more than drift.
DRIFT_LIMIT = 0.05
SPREAD_LIMIT = 0.10
BUSY_CORES = 0.1
STOLEN_SHARE = 0.02
SLOWDOWN_LIMIT = 0.05
# Of the modified z-score, as its authors recommend.
OUTLIER_LIMIT = 3.5
# So many subjects are named in a sentence.
NAMED = 3

Facts = Mapping[str, Any]
Ratios = Mapping[str, np.ndarray]


def find_warnings(
    visits: Sequence[Visit],
    baseline: str,
    before: Facts,
    after: Facts,
    gpus: Iterable[Facts] = (),
) -> list[ResultWarning]:
    """At most one warning a code and session, but for what throttled.

    `before` and `after` are `machine.observe()` around the session, `gpus` all that the GPUs said
    in between.
    """
    ratios = ratios_to_baseline(visits, baseline)
    return [
        *drift(visits, baseline),
        *spread(ratios),
        *outliers(ratios),
        *repeated(visits),
        *busy(before, after),
        *stolen(before, after),
        *throttled(before, after),
        *throttled_gpu(gpus),
        *slowed(before, after),
    ]


def drift(visits: Sequence[Visit], baseline: str) -> list[ResultWarning]:
    """The baseline's median of some round is over 5 % away from its median of the session."""
    rounds: dict[int, list[float]] = defaultdict(list)
    for visit in visits:
        if visit.subject == baseline and not visit.repeated:
            rounds[visit.round].append(step_time(visit))
    medians = np.array([np.median(times) for times in rounds.values()])
    largest = float(np.max(np.abs(medians / np.median(medians) - 1))) if rounds else 0.0
    if largest <= DRIFT_LIMIT:
        return []
    text = f"The baseline's step time moved by {largest:.0%} between rounds: the machine drifts."
    return [ResultWarning(code="drift", subject=baseline, text=text)]


def spread(ratios: Ratios) -> list[ResultWarning]:
    """Subjects whose ratios to the baseline have a standard deviation over 10 % of their mean."""
    shares = {
        name: float(np.std(values, ddof=1) / np.mean(values))
        for name, values in ratios.items()
        if len(values) > 1
    }
    wide = {name: share for name, share in shares.items() if share > SPREAD_LIMIT}
    if not wide:
        return []
    named = _listed(wide, "{:.0%}")
    text = f"Times relative to the baseline vary by over {SPREAD_LIMIT:.0%} of their mean: {named}."
    return [ResultWarning(code="spread", text=text)]


def outliers(ratios: Ratios) -> list[ResultWarning]:
    """Subjects with ratios whose modified z-score exceeds 3.5 (Iglewicz and Hoaglin 1993)."""
    counts = {
        name: int(np.sum(np.abs(modified_z(values)) > OUTLIER_LIMIT))
        for name, values in ratios.items()
    }
    far = {name: count for name, count in counts.items() if count}
    if not far:
        return []
    text = (
        f"{sum(far.values())} of {sum(map(len, ratios.values()))} times relative to the baseline "
        f"lie far from their subject's others (modified z > {OUTLIER_LIMIT}): {_listed(far, '{}')}."
    )
    return [ResultWarning(code="outliers", text=text)]


def repeated(visits: Sequence[Visit]) -> list[ResultWarning]:
    """Visits that were made again."""
    count = sum(visit.repeated for visit in visits)
    if not count:
        return []
    text = (
        f"{count} of {len(visits)} clock readings do not count: cores were taken meanwhile, "
        "and a calmer one followed or went before."
    )
    return [ResultWarning(code="repeated", text=text)]


def modified_z(values: np.ndarray) -> np.ndarray:
    """0.6745 (x - median) / MAD of each value; 0 where the MAD is 0 and x the median."""
    # 0.6745 is the normal distribution's third quartile: the scores are like standard deviations.
    # Rounded, since ratios that agree have rounding errors.
    centred = np.round(values - np.median(values), 12)
    deviation = np.median(np.abs(centred))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(0.6745 * centred / deviation, nan=0.0)


def busy(before: Facts, after: Facts) -> list[ResultWarning]:
    """Other processes used more than a tenth of a core during the session."""
    used = _change(before, after, "busy_seconds") - _change(before, after, "own_seconds")
    # The kernel counts what the hypervisor took as busy; it has a warning of its own.
    used -= _change(before, after, "stolen_seconds")
    cores = used / _change(before, after, "elapsed_seconds")
    if cores <= BUSY_CORES:
        return []
    load = before["load"][0]
    text = (
        f"Other processes kept {cores:.1f} cores busy meanwhile (load {load:.1f} at the start): "
        "close them and time again."
    )
    return [ResultWarning(code="busy", text=text)]


def stolen(before: Facts, after: Facts) -> list[ResultWarning]:
    """The hypervisor gave more than 2 % of a core's time to other guests."""
    share = _change(before, after, "stolen_seconds") / _change(before, after, "elapsed_seconds")
    if share <= STOLEN_SHARE:
        return []
    text = f"The host of this virtual machine took {share:.0%} of a core for others meanwhile."
    return [ResultWarning(code="stolen", text=text)]


def throttled(before: Facts, after: Facts) -> list[ResultWarning]:
    """The cgroup's quota or heat stopped the cores."""
    counters = {
        "cgroup_throttled": "The CPU quota of this container",
        "thermal_throttled": "Heat",
    }
    return [
        ResultWarning(
            code="throttled", text=f"{what} slowed the processor {count} times meanwhile."
        )
        for key, what in counters.items()
        if (count := (after[key] or 0) - (before[key] or 0)) > 0
    ]


def throttled_gpu(gpus: Iterable[Facts]) -> list[ResultWarning]:
    """The GPU said at some moment what slowed it."""
    reasons = sorted({reason for gpu in gpus for reason in gpu["slowed_by"]})
    text = f"The GPU was slowed by its {' and '.join(reasons)}."
    return [ResultWarning(code="throttled", text=text)] if reasons else []


def slowed(before: Facts, after: Facts) -> list[ResultWarning]:
    """The cores' mean frequency fell by more than 5 % during the session."""
    if not (before["frequency_mhz"] and after["frequency_mhz"]):
        return []
    first, last = np.mean(before["frequency_mhz"]), np.mean(after["frequency_mhz"])
    if last >= first * (1 - SLOWDOWN_LIMIT):
        return []
    text = f"The processor's frequency fell from {first:.0f} to {last:.0f} MHz meanwhile."
    return [ResultWarning(code="slowed", text=text)]


def _listed(values: Mapping[str, float], form: str) -> str:
    """The names with the largest values, and how many more there are."""
    order = sorted(values, key=values.__getitem__, reverse=True)
    named = ", ".join(f"{name} ({form.format(values[name])})" for name in order[:NAMED])
    more = len(order) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _change(before: Facts, after: Facts, key: str) -> float:
    return float(after[key] - before[key])
