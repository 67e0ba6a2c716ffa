"""What a job reserves on a cluster: time and memory that any machine should get by with.

A guess that was too low costs one attempt: every further attempt reserves twice as much.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.study.config import ProbingConfig, TimingConfig, TuningConfig
from batchmark.study.cost import (
    MNIST_TRAINING_IMAGES,
    batch_and_images,
    relative_cost,
    visit_seconds,
)

# A slow core trains 1,000 images a second, a tenth of a current one.
_SECONDS_PER_COST = 1.0
_START_MINUTES = 10
# Snakemake twice, TensorFlow and MNIST as floats; then activations and their gradients.
_START_MEGABYTES = 1500
_MEGABYTES_PER_IMAGE = 0.3


@dataclass(frozen=True)
class Reservation:
    """Minutes and megabytes (10^6 bytes) of a job's first attempt."""

    minutes: int
    megabytes: int

    def runtime(self, attempt: int) -> int:
        """Minutes that the given attempt, counted from 1, may take."""
        return self.minutes * 2 ** (attempt - 1)

    def mem_mb(self, attempt: int) -> int:
        """Megabytes that the given attempt, counted from 1, may take."""
        return self.megabytes * 2 ** (attempt - 1)


def for_run(chosen: Hyperparameters, budget: Budget, tuning: TuningConfig) -> Reservation:
    """All trials of a variant, one after the other on one core."""
    return _reservation(relative_cost(chosen, budget, tuning), [_batch_size(chosen)])


def for_probe(
    chosen: Hyperparameters, budget: Budget, tuning: TuningConfig, probing: ProbingConfig
) -> Reservation:
    """A run whose gradients are drawn at three moments."""
    drawn = 3 * probing.trials * probing.draws * sum(probing.batch_sizes) / 1000
    cost = relative_cost(chosen, budget, tuning) + drawn
    return _reservation(cost, [_batch_size(chosen), *probing.batch_sizes])


def for_block(
    subjects: Iterable[Hyperparameters], settings: int, timing: TimingConfig
) -> Reservation:
    """A timing block: every subject at so many thread settings, traced once, timed in rounds."""
    sizes = [_batch_size(subject) for subject in subjects]
    seconds = [
        20 + timing.rounds * max(2 * timing.min_seconds, visit_seconds(timing, size / 1000))
        for size in sizes
    ]
    return _reservation(settings * sum(seconds) / _SECONDS_PER_COST, sizes)


def _reservation(cost: float, batch_sizes: Iterable[int]) -> Reservation:
    return Reservation(
        minutes=_START_MINUTES + math.ceil(cost * _SECONDS_PER_COST / 60),
        megabytes=_START_MEGABYTES + math.ceil(_MEGABYTES_PER_IMAGE * max(batch_sizes)),
    )


def _batch_size(chosen: Hyperparameters) -> int:
    return batch_and_images(chosen, MNIST_TRAINING_IMAGES)[0]
