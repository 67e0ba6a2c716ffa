"""A timing block: who is visited when. No TensorFlow here.

In each round every subject is visited once, in shuffled order, and the anchor at the start, the
middle and the end. A subject's time over that of the anchor around it is free of the machine's
slow drift.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from batchmark.measuring.clock import Reading
from batchmark.results.timing import Visit

Readers = Mapping[str, Callable[[], Reading]]


def round_order(subjects: Sequence[str], anchor: str, random: Random) -> list[str]:
    """One round: the subjects shuffled, the anchor before, halfway and after."""
    others = [subject for subject in subjects if subject != anchor]
    random.shuffle(others)
    half = len(others) // 2
    return [anchor, *others[:half], anchor, *others[half:], anchor]


def round_orders(subjects: Sequence[str], anchor: str, rounds: int, seed: int) -> list[list[str]]:
    """The order of every round, the same for the same seed."""
    random = Random(seed)  # noqa: S311
    return [round_order(subjects, anchor, random) for _ in range(rounds)]


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
