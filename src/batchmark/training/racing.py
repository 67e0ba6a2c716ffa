"""How many seeds a run trains: until its epochs to the target are known well enough."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, variance

from batchmark.contract.run import Evaluations

FEWEST = 5
Column = Sequence[float | None]
Reading = tuple[float, float]
"""Epochs at the evaluation before the first that reached the target, and at that one."""


def confirmed(accuracies: Column, target: float) -> bool:
    """Whether two evaluations in a row reached `target`."""
    hits = _hits(accuracies, target)
    return any(one and other for one, other in pairwise(hits))


def reading(evaluations: Evaluations, target: float) -> Reading | None:
    """Between which evaluations `target` was first reached; None: it was not."""
    hits = _hits(evaluations.validation_accuracy, target)
    if True not in hits:
        return None
    # A target reached at the first evaluation was reached somewhere after the start.
    epochs = [0.0, *evaluations.epoch]
    return epochs[hits.index(True)], epochs[hits.index(True) + 1]


def _hits(accuracies: Column, target: float) -> list[bool]:
    return [accuracy is not None and accuracy >= target for accuracy in accuracies]


def goes_on(readings: Sequence[Reading | None], least: int, most: int, precision: float) -> bool:
    """Whether a run with these readings of its target, one a seed, adds another seed.

    It trains `least` seeds in any case and no more where half of them or more missed the target;
    else `most`, or fewer once the target is `known`.
    """
    if len(readings) < least:
        return True
    hopeless = 2 * readings.count(None) >= len(readings)
    return len(readings) < most and not hopeless and not known(readings, precision)


def known(readings: Sequence[Reading | None], precision: float) -> bool:
    """Whether the seeds before the last one, at least five, give the mean within `precision`.

    A sample tends to look narrow where it is stopped for looking narrow. Its mean is independent
    of its variance (of normal logarithms), so that only the width suffers; with five seeds at least
    and one that is not heard the ordinary intervals still cover in 93 to 97 % of worlds (Chow and
    Robbins 1965 for the rule, Simons 1968 for the added seed, a test for the numbers).
    """
    heard = [each for each in readings[:-1] if each is not None]
    whole = len(heard) == len(readings) - 1
    return whole and len(heard) >= FEWEST and half_width(heard) <= math.log1p(precision)


def half_width(readings: Sequence[Reading]) -> float:
    """Half of Student's 95 % interval of the mean log epochs to the target, from five readings on.

    Each stands for the middle of its interval; the variance is at least that of such a grid.
    """
    # The truth lies anywhere between two evaluations; uniform, its variance is width² / 12.
    middles = [(before + at) / 2 for before, at in readings]
    widths = [
        (at - before) / middle for (before, at), middle in zip(readings, middles, strict=True)
    ]
    grid = fmean(width**2 for width in widths) / 12
    # Seeds that hit the same mark look certain; they are so only to within the marks.
    spread = max(variance(map(math.log, middles)), grid)
    return student_quantile(len(readings) - 1) * math.sqrt(spread / len(readings))


def student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t within 0.3 % from four degrees of freedom on.

    Abramowitz and Stegun 26.7.5; SciPy takes half a second to import.
    """
    z = 1.959964
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
