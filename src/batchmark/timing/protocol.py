"""The clock, and the shuffled rounds in which it is read."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, comb, inf, log, log1p
from random import Random

from batchmark.contract.timing import Visit

Runner = Callable[[int], object]
"""Trains the given number of steps and returns when the device has finished them.

What it returns are the nanoseconds that count, where that is not all it took; see `spent`.
"""

Clock = Callable[[], int]
# Untimed, so that caches and clock rates are this subject's when its visit begins.
WARM_UP_SHARE = 0.05
# A machine that gets faster should not make a visit too short, nor one that others slowed while
# the steps were counted: below this share of its length it is made again, with more.
MARGIN, ENOUGH = 1.1, 0.8


@dataclass(frozen=True)
class Length:
    """How long a visit should last at least, in both respects.

    `min_steps` is not asked for beyond `max_seconds`: long steps are no noisier for being few.
    """

    min_seconds: float
    min_steps: int
    max_seconds: float = inf

    def steps(self, step_seconds: float) -> int:
        """The number of steps of a visit when one takes `step_seconds`."""
        enough = ceil(MARGIN * self.min_seconds / step_seconds)
        # At most 1e9 steps, where `max_seconds` is infinite or a step takes no time.
        return max(enough, min(self.min_steps, ceil(min(self.max_seconds / step_seconds, 1e9))))


@dataclass(frozen=True)
class Reading:
    """`steps` steps from `start_ns` on took `elapsed_ns` and lacked cores for `taken_ns`."""

    steps: int
    start_ns: int
    elapsed_ns: int
    taken_ns: int = 0

    @property
    def taken_share(self) -> float:
        """The cores that it lacked on average."""
        return self.taken_ns / max(self.elapsed_ns, 1)


def elapsed_seconds(work: Callable[[], object], clock: Clock = time.perf_counter_ns) -> float:
    """Seconds that `work` takes."""
    begun = clock()
    work()
    return (clock() - begun) / 1e9


def spent(run: Runner, steps: int, clock: Clock = time.perf_counter_ns) -> int:
    """Nanoseconds that `steps` steps take."""
    begun = clock()
    counted = run(steps)
    return counted if isinstance(counted, int) else clock() - begun


def calibrate(
    run: Runner, length: Length, rehearse: bool, clock: Clock = time.perf_counter_ns
) -> int:
    """How many steps make a visit, found by running ever more of them.

    `rehearse`: run every number of steps untimed first, where XLA may have to compile for it.
    """
    steps, seconds, step = 1, 0.0, inf
    # A quarter of a visit tells the time of a step well enough; each try is four times as long.
    while seconds < length.min_seconds / 4:
        steps = steps * 4 if seconds else 1
        if rehearse:
            run(steps)
        seconds = spent(run, steps, clock) / 1e9
        # The fastest: a call costs something beside its steps, and delays are one-sided.
        step = min(step, seconds / steps)
    return length.steps(step)


def calls(steps: int) -> tuple[int, int]:
    """The numbers of steps that a visit of `steps` runs at once: warm-up and visit."""
    return ceil(steps * WARM_UP_SHARE), steps


def visit(
    run: Runner,
    steps: int,
    length: Length,
    clock: Clock = time.perf_counter_ns,
    taken: Clock = lambda: 0,
) -> Reading:
    """Time `steps` steps in one call after an untimed warm-up, or a multiple if that ends too soon.

    `taken` counts the nanoseconds that cores were not the process's.
    """
    reading, least = _one_call(run, steps, clock, taken), length.min_seconds * 1e9
    if reading.elapsed_ns >= ENOUGH * least:
        return reading
    # Anew: a call costs as much as a step or several, and only what looks fast would pay for two.
    times = ceil(MARGIN * least / max(reading.elapsed_ns, 1))
    return _one_call(run, times * steps, clock, taken)


def _one_call(run: Runner, steps: int, clock: Clock, taken: Clock) -> Reading:
    warm_up, _ = calls(steps)
    run(warm_up)
    before, start = taken(), clock()
    elapsed = spent(run, steps, clock)
    return Reading(steps, start, elapsed, max(taken() - before, 0))


def train_to(
    target: float,
    marks: Sequence[int],
    train: Runner,
    accuracy: Callable[[], float],
    clock: Clock = time.perf_counter_ns,
) -> tuple[int, float, bool]:
    """Train from mark to mark, counted in steps, until the accuracy there is at the target.

    The steps done, their seconds without those of taking the accuracy, and whether it is there.
    """
    seconds, done = 0.0, 0
    for mark in marks:
        seconds += elapsed_seconds(partial(train, mark - done), clock)
        done = mark
        if accuracy() >= target:
            return done, seconds, True
    return done, seconds, False


@dataclass(frozen=True)
class Reader:
    """Takes a visit of one subject in one of the session's processes; None: it failed."""

    process: int
    read: Callable[[], Reading | None]


# A visit is repeated where it lacked so much more of a core than the subject's calmest one. Threads
# that wait for each other leave a core idle by themselves, and by a tenth more or less each time.
TAKEN_LIMIT = 0.2
# One more narrows what a busy machine gives; after that more rounds are worth more.
ATTEMPTS = 2


def attempts(read: Callable[[], Reading | None], calmest: float) -> list[Reading]:
    """Readings until one is undisturbed, at most two.

    `calmest`: the least share taken so far, infinite at the first, which has none to be held to.
    Empty of a visit that failed.
    """
    readings: list[Reading] = []
    while len(readings) < ATTEMPTS and all(r.taken_share > calmest + TAKEN_LIMIT for r in readings):
        reading = read()
        if reading is None:
            return []
        readings.append(reading)
    return readings


def round_order(subjects: Sequence[str], baseline: str, random: Random) -> list[str]:
    """One round: the subjects shuffled, the baseline before, halfway and after."""
    others = [subject for subject in subjects if subject != baseline]
    random.shuffle(others)
    # Thrice a round, so that every visit has a baseline near it, and two apart tell drift.
    half = len(others) // 2
    return [baseline, *others[:half], baseline, *others[half:], baseline]


def measure(
    readers: Mapping[str, Reader],
    order: Sequence[str],
    number: int,
    earlier: Sequence[Visit],
    origin: int,
) -> list[Visit]:
    """The visits of round `number`; they start so long after clock time `origin`.

    Of several attempts the calmest counts, the others are marked.
    """
    calmest = dict.fromkeys(order, inf) | calmest_shares(earlier)
    visits: list[Visit] = []
    for subject in order:
        least = calmest[subject]
        readings = attempts(readers[subject].read, least)
        best = min(readings, key=lambda reading: reading.taken_share, default=None)
        calmest[subject] = min([least, *(reading.taken_share for reading in readings)])
        visits += [
            Visit(
                subject=subject,
                round=number,
                order=len(visits) + place,
                process=readers[subject].process,
                steps=reading.steps,
                start_ns=reading.start_ns - origin,
                elapsed_ns=reading.elapsed_ns,
                taken_ns=reading.taken_ns,
                repeated=reading is not best,
            )
            for place, reading in enumerate(readings)
        ]
    return visits


def calmest_shares(visits: Sequence[Visit]) -> dict[str, float]:
    """By subject, the least cores that it lacked on average during a visit."""
    shares: dict[str, float] = {}
    for visit in visits:
        share = visit.taken_ns / max(visit.elapsed_ns, 1)
        shares[visit.subject] = min(share, shares.get(visit.subject, share))
    return shares


def known(ratios: Sequence[float], precision: float) -> bool:
    """Whether the sign test's 95 % interval of their median is as narrow as ± `precision`.

    One outlier does not widen it from nine ratios on, and stopping by it leaves its coverage at
    93 to 95 % (simulated for Student's t with four degrees of freedom).
    """
    logs = sorted(map(log, ratios))
    rank = outermost_rank(len(logs))
    return rank is not None and logs[-1 - rank] - logs[rank] <= 2 * log1p(precision)


def outermost_rank(count: int) -> int | None:
    """The rank from both ends whose values bound the median of `count` at 95 %; None below six."""
    covered = [1 - 2 * sum(comb(count, i) for i in range(k + 1)) / 2**count for k in range(count)]
    enough = [rank for rank, share in enumerate(covered[: count // 2]) if share >= 0.95]
    return max(enough, default=None)
