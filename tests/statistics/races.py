"""Experiments with a known fastest batch size: eight sizes, seeds added until each run knows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from batchmark.statistics.best_batch import best_batch
from batchmark.statistics.epoch_time import between_processes
from batchmark.statistics.study_data import StudyData
from batchmark.training.racing import goes_on
from tests.claims.worlds import EPOCHS, STEP, study_data, with_trials
from tests.synthetic import grid

SIZES = np.array([4, 8, 16, 32, 64, 128, 256, 512])
COMMON = {size: int(np.flatnonzero(size == SIZES)[0]) for size in (32, 128)}
STUDY = study_data("batch_size", grid(batch_size=SIZES.tolist()), seeds=10)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Race:
    """E(B) = `epochs` (1 + B / `critical`), t(B) = 1 + `overhead` / B; evaluated every `step`.

    `spread`: of log epochs between seeds; `luck`: what a seed has at every size, beside it;
    `clock`: of log ratios between rounds; `layout`: of log times between processes, of which two
    take turns; `precision`: until which a run adds seeds, from `least` to `most`.
    """

    epochs: float = 0.6
    critical: float = 150.0
    overhead: float = 20.0
    step: float = 0.125
    spread: float = 0.15
    luck: float = 0.0
    clock: float = 0.02
    layout: float = 0.0
    least: int = 3
    most: int = 10
    precision: float = 0.15

    @property
    def times(self) -> tuple[Array, Array]:
        """Epochs to the target and relative seconds per epoch, by size."""
        return self.epochs * (1 + SIZES / self.critical), 1 + self.overhead / SIZES

    @property
    def cost(self) -> Array:
        """Time to target over the least, by size."""
        epochs, seconds = self.times
        return epochs * seconds / (epochs * seconds).min()

    def run(self, random: np.random.Generator) -> StudyData:
        """The measurements of one experiment."""
        epochs, seconds = self.times
        logs = random.normal(0, self.spread, (len(SIZES), len(STUDY.seeds)))
        logs += random.normal(0, self.luck, len(STUDY.seeds))
        readings = np.ceil(epochs[:, None] * np.exp(logs) / self.step) * self.step
        for row in readings:
            row[self._seeds(row) :] = np.nan
        timed = self._timed(seconds, random)
        return with_trials(timed, **{EPOCHS: readings, STEP: self.step})

    def _timed(self, seconds: Array, random: np.random.Generator) -> StudyData:
        logs = random.normal(0, self.clock, STUDY.ratios.shape)
        turns = np.arange(logs.shape[1]) % 2
        # Of a ratio the baseline's, too, the same for all sizes.
        layouts = random.normal(0, self.layout, (1 + len(SIZES), 2))
        logs += (layouts[1:] - layouts[0])[:, turns]
        processes = between_processes(logs, turns.astype(float))
        return replace(STUDY, ratios=seconds[:, None] * np.exp(logs), processes=processes)

    def _seeds(self, readings: Array) -> int:
        seen = [(reading - self.step, reading) for reading in readings.tolist()]
        counts = range(self.least, self.most + 1)
        return next(
            n for n in counts if not goes_on(seen[:n], self.least, self.most, self.precision)
        )


@dataclass(frozen=True)
class Record:
    """Shares of experiments: in which the fastest size was kept, the ends of the tied sizes were a
    factor of four apart at most, and the intervals of the costs of 32 and 128 held the truth; and
    of tied sizes whose cost may be none.

    `half_width`: median relative half-width of those intervals; `trials`: mean number.
    """

    kept: float
    narrow: float
    covered: float
    free: float
    half_width: float
    trials: float


def record(race: Race, worlds: int, seed: int = 0) -> Record:
    """What `best_batch` says in so many experiments."""
    random, truth = np.random.default_rng(seed), race.cost
    kept, ratios, covered, free, widths, trials = [], [], [], [], [], []
    for _ in range(worlds):
        data = race.run(random)
        found = best_batch(data, np.arange(len(SIZES)))
        assert found is not None
        kept.append(found.tied[truth.argmin()])
        ratios.append(found.high / found.low)
        low, high = (part[list(COMMON.values())] for part in (found.cost.low, found.cost.high))
        true = truth[list(COMMON.values())]
        # The fastest itself costs 1, the end of every interval about it.
        covered += ((low <= true * (1 + 1e-9)) & (true <= high * (1 + 1e-9))).tolist()
        free += (found.cost.low[found.tied] == 1).tolist()
        widths += (np.log(high / low) / 2).tolist()
        trials.append((~np.isnan(data.epochs_to())).sum())
    return Record(
        kept=float(np.mean(kept)),
        narrow=float(np.mean(np.array(ratios) <= 4)),
        covered=float(np.mean(covered)),
        free=float(np.mean(free)),
        half_width=float(np.median(widths)),
        trials=float(np.mean(trials)),
    )
