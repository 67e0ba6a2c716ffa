"""One study on one device as matrices: variants by seeds and variants by rounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.intervals import counting_variance
from batchmark.analysis.measurements import Measurements, where
from batchmark.analysis.outcomes import column
from batchmark.contract.requests.analyze import StudyForAnalysis

Array = NDArray[np.float64]

COUNTED = {
    "best_validation_error": "validation_size",
    "test_accuracy_at_best": "test_size",
    "final_test_accuracy": "test_size",
    "final_train_accuracy": "scored_train_size",
}
"""The shares among the outcomes, and which column of the variants has what they are shares of."""


@dataclass(frozen=True)
class Block:
    """A study on one machine and device. Row i of every matrix belongs to row i of `variants`.

    `targets`: validation accuracies, the main one first; `variants`: hyperparameters; `outcomes`:
    one row per trial; `ratios`: epoch time over the anchor's [variant, round]; `anchor_seconds`:
    what a ratio of 1 stands for; `memory`: peak bytes per variant. NaN: not timed, not measured;
    no difference in time is larger than a `noise_floor` that was not measured.
    """

    study: StudyForAnalysis
    targets: list[float]
    machine: str
    device: str
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    ratios: Array
    anchor_seconds: float
    memory: Array
    noise_floor: float

    @cached_property
    def ids(self) -> list[str]:
        """The variants' ids, in row order."""
        return self.variants["variant"].tolist()

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds of the columns of `trials`, rising."""
        return sorted(int(seed) for seed in self.outcomes["seed"].unique())

    @property
    def resolution(self) -> Array:
        """Epochs between two evaluations, per variant."""
        return np.fmax.reduce(self.trials("resolution"), axis=1, initial=0.0)

    @cached_property
    def budget(self) -> Array:
        """Epochs after which a trial that has not reached the target is a miss, per variant."""
        budgets = self.trials("budget")
        return np.fmax.reduce(budgets, axis=1, initial=0.0)

    def trials(self, name: str) -> Array:
        """A column of the outcomes as [variant, seed]; NaN where a variant lacks the seed."""
        wide = np.full((len(self.ids), len(self.seeds)), np.nan)
        wide[self._cells] = self.outcomes[name].to_numpy(float)
        return wide

    @cached_property
    def _cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of each trial in the matrices."""
        rows = pd.Index(self.ids).get_indexer(pd.Index(self.outcomes["variant"]))
        return rows, pd.Index(self.seeds).get_indexer(pd.Index(self.outcomes["seed"]))

    @property
    def target(self) -> float:
        """The validation accuracy that "to target" means in this study."""
        return self.targets[0]

    def counting_variance(self, share: str) -> Array:
        """Variance of a share (see `COUNTED`) from counting images, per variant; see `mean_of`."""
        return counting_variance(self.variants[COUNTED[share]].to_numpy(float))

    def epochs_to(self, target: float | None = None) -> Array:
        """Epochs to a target (the main one) as [variant, seed]; infinite: not reached."""
        return self.trials(column(self.target if target is None else target))

    def place(self) -> dict[str, str]:
        """The key columns of every table about this block."""
        return {"machine": self.machine, "device": self.device, "study": self.study.name}


def blocks(measured: Measurements, noise: pd.DataFrame) -> Iterator[Block]:
    """Every study on every machine and device that has trials of it."""
    for study in measured.request.studies:
        mine = measured.by_study[measured.by_study["study"] == study.name]
        for (machine, device), trials in mine.groupby(["machine", "device"], sort=False):
            yield _block(measured, noise, study, (str(machine), str(device)), trials)


def _block(
    measured: Measurements,
    noise: pd.DataFrame,
    study: StudyForAnalysis,
    place: tuple[str, str],
    trials: pd.DataFrame,
) -> Block:
    machine, device = place
    here = where(measured.variants, machine=machine, device=device)
    order = {name: rank for rank, name in enumerate(study.settings)}
    mine = here[here["variant"].isin(list(order))]
    mine = mine.sort_values("variant", key=lambda ids: ids.map(order)).reset_index(drop=True)
    rows = _timed_as(measured, study.name, place, mine["variant"].tolist())
    ratios, anchor, memory = _timing(measured, rows)
    floors = where(noise, machine=machine, device=device, study=study.name)
    return Block(
        study=study,
        targets=measured.targets[study.name],
        machine=machine,
        device=device,
        variants=mine,
        outcomes=trials,
        ratios=ratios,
        anchor_seconds=anchor,
        memory=memory,
        noise_floor=float(floors["noise_floor"].max()),
    )


def _timed_as(
    measured: Measurements, study: str, place: tuple[str, str], ids: list[str]
) -> "pd.Series[float]":
    """Row of the subject that timed each variant with most threads; NaN where none did."""
    listed = where(measured.times.variants, machine=place[0], device=place[1], study=study)
    best = listed.assign(row=listed.index).sort_values("threads", ascending=False)
    return best.drop_duplicates("variant").set_index("variant")["row"].reindex(ids)


def _timing(measured: Measurements, rows: "pd.Series[float]") -> tuple[Array, float, Array]:
    """Ratios to the anchor, the anchor's seconds per epoch and peak memory, per variant."""
    times, timed = measured.times, rows.notna().to_numpy(bool)
    ratios, memory = np.full((len(rows), times.ratios.shape[1]), np.nan), np.full(len(rows), np.nan)
    if not timed.any():
        return ratios[:, :0], np.nan, memory
    chosen = rows[timed].to_numpy(float).astype(np.intp)
    ratios[timed] = times.ratios[chosen]
    memory[timed] = pd.to_numeric(times.subjects["peak_memory_bytes"]).to_numpy(float)[chosen]
    anchor = times.subjects["seconds_per_epoch"] / times.subjects["ratio"]
    # Rounds of other thread settings have no reading here.
    read = ~np.isnan(ratios).all(axis=0)
    return ratios[:, read], float(np.median(anchor.to_numpy(float)[chosen])), memory
