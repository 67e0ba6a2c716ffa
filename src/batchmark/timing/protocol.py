"""The clock, and the shuffled rounds in which it is read."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from random import Random

from batchmark.contract.timing import Visit

Runner = Callable[[int], object]
"""Trains the given number of steps and returns when the device has finished them."""

Clock = Callable[[], int]
# Untimed, so that caches and clock rates are this subject's when its visit begins.
WARM_UP_SHARE = 0.05
# The visit was too short although more steps than needed were asked for: the machine got faster.
TOP_UP_SHARE = 0.1
MARGIN = 1.1


@dataclass(frozen=True)
class Length:
    """How long a visit lasts at least, in both respects.

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
    """`steps` steps from `start_ns` on took `elapsed_ns`."""

    steps: int
    start_ns: int
    elapsed_ns: int


def elapsed_seconds(work: Callable[[], object], clock: Clock = time.perf_counter_ns) -> float:
    """Seconds that `work` takes."""
    begun = clock()
    work()
    return (clock() - begun) / 1e9


def calibrate(
    run: Runner, length: Length, rehearse: bool, clock: Clock = time.perf_counter_ns
) -> int:
    """How many steps make a visit, found by running ever more of them.

    `rehearse`: run every number of steps untimed first, where XLA compiles for each of them.
    """
    steps, seconds = 1, 0.0
    # A quarter of a visit tells the time of a step well enough; each try is four times as long.
    while seconds < length.min_seconds / 4:
        steps = steps * 4 if seconds else 1
        if rehearse:
            run(steps)
        seconds = elapsed_seconds(partial(run, steps), clock)
    return length.steps(seconds / steps)


def calls(steps: int) -> tuple[int, int, int]:
    """The numbers of steps that a visit of `steps` runs at once: warm-up, visit, top-up."""
    return ceil(steps * WARM_UP_SHARE), steps, ceil(steps * TOP_UP_SHARE)


def visit(run: Runner, steps: int, length: Length, clock: Clock = time.perf_counter_ns) -> Reading:
    """Time `steps` steps after an untimed warm-up, and more if they end too early."""
    warm_up, first, more = calls(steps)
    run(warm_up)
    start, done = clock(), 0
    while not done or clock() - start < length.min_seconds * 1e9:
        run(more if done else first)
        done += more if done else first
    return Reading(done, start, clock() - start)


Readers = Mapping[str, Callable[[], Reading]]


def round_order(subjects: Sequence[str], baseline: str, random: Random) -> list[str]:
    """One round: the subjects shuffled, the baseline before, halfway and after."""
    others = [subject for subject in subjects if subject != baseline]
    random.shuffle(others)
    # Thrice a round, so that every visit has a baseline near it, and two apart tell drift.
    half = len(others) // 2
    return [baseline, *others[:half], baseline, *others[half:], baseline]


def round_orders(subjects: Sequence[str], baseline: str, rounds: int, seed: int) -> list[list[str]]:
    """The order of every round, the same for the same seed."""
    random = Random(seed)  # noqa: S311
    return [round_order(subjects, baseline, random) for _ in range(rounds)]


def measure(
    readers: Readers, orders: Sequence[Sequence[str]], origin: int
) -> Iterator[list[Visit]]:
    """Yield the visits of each round as it ends; they start so long after clock time `origin`."""
    for number, order in enumerate(orders):
        readings = [(subject, readers[subject]()) for subject in order]
        yield [
            Visit(
                subject=subject,
                round=number,
                order=place,
                steps=reading.steps,
                start_ns=reading.start_ns - origin,
                elapsed_ns=reading.elapsed_ns,
            )
            for place, (subject, reading) in enumerate(readings)
        ]
