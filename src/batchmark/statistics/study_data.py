"""The tidy tables as arrays, one study at a time, and the published table."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.errors import UserError
from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.tables import read_document, read_table
from batchmark.statistics.epoch_time import ALIKE, SESSION, EpochTimes, epoch_times
from batchmark.statistics.intervals import (
    EXACT,
    Array,
    Mean,
    counting_variance,
    crossed,
    first_seen,
    grid_variance,
)
from batchmark.statistics.outcomes import (
    RUN,
    Curves,
    column,
    epochs_times,
    outcomes,
    read_curves,
    step_column,
    study_outcomes,
)


def published() -> pd.DataFrame:
    """The published table; see `published.md` for its source."""
    with (files("batchmark.statistics") / "published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def reference() -> pd.DataFrame:
    """The published table measured anew, in full; `reference/README.md` says where and how."""
    with (files("batchmark.statistics") / "reference.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


@dataclass(frozen=True)
class Measurements:
    """The tidy tables and what follows from them without statistics.

    `outcomes`: one row per trial, uncut. `by_study`: one row per study and trial, cut to the
    study's budget. `targets`: each study's list, the main one first; columns of `outcomes`
    called `target`, `epochs_to_target` and `step_to_target` are about the main target of a
    variant's first study.
    """

    request: AnalyzeRequest
    targets: dict[str, list[float]]
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    by_study: pd.DataFrame
    timings: pd.DataFrame
    times: EpochTimes
    lone_runs: pd.DataFrame
    draws: pd.DataFrame
    magnitudes: pd.DataFrame
    environment: dict[str, Any]


def read_measurements(folder: Path, request: AnalyzeRequest) -> Measurements:
    """Read the tables that `collect` wrote. Raises UserError when one is missing."""
    variants, trials = read_table(folder, "variants"), read_table(folder, "trials")
    targets = {study.name: _targets(variants, request, study) for study in request.studies}
    curves = read_curves(folder)
    longer = epochs_times(variants, request)
    timings = read_table(folder, "timings")
    return Measurements(
        request=request,
        targets=targets,
        variants=variants,
        outcomes=_uncut(curves, trials, variants, targets),
        by_study=pd.concat(
            [
                study_outcomes(study, curves, trials, targets[study.name], longer)
                for study in request.studies
            ],
            ignore_index=True,
        ),
        timings=timings,
        times=epoch_times(timings, read_table(folder, "subjects")),
        lone_runs=read_table(folder, "lone_runs"),
        draws=read_table(folder, "draws"),
        magnitudes=read_table(folder, "magnitudes"),
        environment=read_document(folder / "environment.json"),
    )


def where(frame: pd.DataFrame, **keys: str) -> pd.DataFrame:
    """The rows whose columns have the given values."""
    chosen = pd.Series(True, index=frame.index)
    for name, value in keys.items():
        chosen &= frame[name] == value
    return frame[chosen.astype(bool)]


def _uncut(
    curves: Curves, trials: pd.DataFrame, variants: pd.DataFrame, targets: dict[str, list[float]]
) -> pd.DataFrame:
    """The outcomes of whole runs, with the main target of each variant's first study."""
    every = sorted({own[0] for own in targets.values()})
    first = variants["studies"].fillna("").str.split(";").str[0]
    main = pd.Series({study: own[0] for study, own in targets.items()}, dtype=float)
    own = variants[RUN].assign(target=main.reindex(first).to_numpy(float))
    rows = outcomes(curves, trials, every).merge(own, on=RUN, how="left")
    places = np.searchsorted(every, rows["target"].fillna(every[0]).to_numpy(float))
    at_own = np.arange(len(rows)), places
    needed, steps = (
        rows[[name(target) for target in every]].to_numpy(float)[at_own]
        for name in (column, step_column)
    )
    return rows.assign(epochs_to_target=needed, step_to_target=steps)


def _targets(
    variants: pd.DataFrame, request: AnalyzeRequest, study: StudyForAnalysis
) -> list[float]:
    """The study's own targets for the data set at hand, else those of the configuration."""
    if variants.empty:
        raise UserError("results: no run of this plan was found; run the train stage first.")
    mine = variants[variants["variant"].isin(list(study.settings))]
    # Of a study without any run nothing is told, whatever its targets.
    dataset = str((variants if mine.empty else mine)["dataset"].iloc[0])
    targets = study.targets.get(dataset) or request.targets.get(dataset)
    if not targets:
        known = ", ".join(sorted(request.targets)) or "none"
        raise UserError(
            f"config: targets.{dataset} is missing (given: {known}); list at least one validation "
            f"accuracy for the data set {dataset!r}, for example [0.9]."
        )
    return targets


COUNTED = {
    "best_validation_error": "validation_size",
    "test_accuracy_at_best": "test_size",
    "final_test_accuracy": "test_size",
    "final_train_accuracy": "scored_train_size",
    "small_weight_share": "parameters",
}
"""The shares among the outcomes, and which column of the variants has what they are shares of."""


class Rounds(NamedTuple):
    """Epoch times over the baseline's [variant, round], and of all timed alike [subject, round]."""

    ratios: Array
    alike: Array | None = None


@dataclass(frozen=True)
class StudyData:
    """A study on one machine and device. Row i of every matrix belongs to row i of `variants`.

    `targets`: validation accuracies, the main one first; `variants`: hyperparameters; `outcomes`:
    one row per trial; `ratios`: epoch time over the baseline's [variant, round], `alike`: of all
    subjects that tell how those scatter (None: these alone);
    `loops`: the same of ways of training beside the engine's graph, by name; `threads`: the number
    of all these, the most that were timed (NaN: not told), `fewer`: the same at fewer;
    `baseline_seconds`: what a ratio of 1 stands for; `memory`: peak bytes per variant. NaN: not
    timed, not measured; no difference in time is larger than a `noise_floor` not measured.
    `processes`: what another choice of processes would do to a log ratio of two variants' times.
    """

    study: StudyForAnalysis
    targets: list[float]
    machine: str
    device: str
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    ratios: Array
    baseline_seconds: float
    memory: Array
    noise_floor: float
    loops: Mapping[str, Rounds] = field(default_factory=dict)
    threads: float = np.nan
    fewer: Mapping[int, Rounds] = field(default_factory=dict)
    processes: Mean = EXACT
    alike: Array | None = None

    def under(self, loop: str) -> "StudyData":
        """The study as it would be if that loop had trained; epochs do not depend on it."""
        return replace(self, **self.loops[loop]._asdict())

    def at(self, threads: int) -> "StudyData":
        """The study as it would be with `fewer` threads; epochs do not depend on them."""
        return replace(self, **self.fewer[threads]._asdict(), threads=threads)

    def of_processes(self, base: int) -> Mean:
        """`processes` of each time over that of row `base`, exact where one subject is both."""
        apart = (self.ratios != self.ratios[base]).any(axis=1)
        return self.processes._replace(
            estimate=np.zeros(len(apart)), squared_error=apart * self.processes.squared_error
        )

    @cached_property
    def ids(self) -> list[str]:
        """The variants' ids, in row order."""
        return self.variants["variant"].tolist()

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds of the columns of `trials`, rising."""
        return sorted(int(seed) for seed in self.outcomes["seed"].unique())

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

    def readings(self, target: float | None = None) -> tuple[Array, Array]:
        """First evaluation that saw a target (the main one) and its step, [variant, seed] each.

        In epochs; infinite: not reached.
        """
        chosen = self.target if target is None else target
        return self.trials(column(chosen)), self.trials(step_column(chosen))

    def epochs_to(self, target: float | None = None) -> Array:
        """Epochs to a target as [variant, seed], see `crossed`; infinite: not reached."""
        return crossed(*self.readings(target))

    def grid_variance(self, target: float | None = None) -> Array:
        """Variance of log epochs to a target, per variant, from reading them off evaluations."""
        return grid_variance(*self.readings(target))

    def first_seen(self, target: float | None = None) -> NDArray[np.bool_]:
        """Trials whose first evaluation saw the target: `epochs_to` is an upper bound there."""
        return first_seen(*self.readings(target))

    def place(self) -> dict[str, str]:
        """The key columns of every table about this study."""
        return {"machine": self.machine, "device": self.device, "study": self.study.name}


def studies(measured: Measurements, noise: pd.DataFrame) -> Iterator[StudyData]:
    """Every study on every machine and device that has trials of it."""
    for study in measured.request.studies:
        mine = measured.by_study[measured.by_study["study"] == study.name]
        for (machine, device), trials in mine.groupby(["machine", "device"], sort=False):
            yield _study_data(measured, noise, study, (str(machine), str(device)), trials)


def _study_data(
    measured: Measurements,
    noise: pd.DataFrame,
    study: StudyForAnalysis,
    place: tuple[str, str],
    trials: pd.DataFrame,
) -> StudyData:
    machine, device = place
    here = where(measured.variants, machine=machine, device=device)
    # Rows in the order in which the study lists its variants.
    order = {name: rank for rank, name in enumerate(study.settings)}
    mine = here[here["variant"].isin(list(order))]
    mine = mine.sort_values("variant", key=lambda ids: ids.map(order)).reset_index(drop=True)
    ids = mine["variant"].tolist()
    rounds, baseline, memory, loops = _timing(measured, _timed_as(measured, study.name, place, ids))
    threads, fewer = _fewer_threads(measured, study.name, place, ids)
    floors = where(noise, machine=machine, device=device, study=study.name)
    return StudyData(
        study=study,
        targets=measured.targets[study.name],
        machine=machine,
        device=device,
        variants=mine,
        outcomes=trials,
        ratios=rounds.ratios,
        baseline_seconds=baseline,
        memory=memory,
        noise_floor=float(floors["noise_floor"].max()),
        loops=loops,
        threads=threads,
        fewer=fewer,
        processes=measured.times.processes.get((machine, device, study.name), EXACT),
        alike=rounds.alike,
    )


def _timed_as(
    measured: Measurements,
    study: str,
    place: tuple[str, str],
    ids: list[str],
    threads: int | None = None,
) -> "pd.Series[float]":
    """Row of the subject that timed each variant at `threads`, the most where none are named.

    NaN where none did.
    """
    listed = where(measured.times.variants, machine=place[0], device=place[1], study=study)
    if threads is not None:
        listed = listed[listed["threads"] == threads]
    best = listed.assign(row=listed.index).sort_values("threads", ascending=False)
    return best.drop_duplicates("variant").set_index("variant")["row"].reindex(ids)


def _fewer_threads(
    measured: Measurements, study: str, place: tuple[str, str], ids: list[str]
) -> tuple[float, dict[int, Rounds]]:
    """The most threads that timed the study, and the ratios at each smaller number."""
    listed = where(measured.times.variants, machine=place[0], device=place[1], study=study)
    counts = sorted(listed["threads"].dropna().unique(), reverse=True)
    return (float(counts[0]) if counts else np.nan), {
        int(count): _timing(measured, _timed_as(measured, study, place, ids, int(count)))[0]
        for count in counts[1:]
    }


def _timing(
    measured: Measurements, rows: "pd.Series[float]"
) -> tuple[Rounds, float, Array, dict[str, Rounds]]:
    """Ratios to the baseline, the baseline's seconds per epoch and peak memory, per variant.

    And the ratios of each loop beside the graph.
    """
    times, timed = measured.times, rows.notna().to_numpy(bool)
    memory = np.full(len(rows), np.nan)
    if not timed.any():
        return Rounds(np.empty((len(rows), 0))), np.nan, memory, {}
    chosen = rows[timed].to_numpy(float).astype(np.intp)
    own = _rounds(times, rows.to_numpy(float))
    memory[timed] = pd.to_numeric(times.subjects["peak_memory_bytes"]).to_numpy(float)[chosen]
    baseline = times.subjects["seconds_per_epoch"] / times.subjects["ratio"]
    # Rounds of other thread settings have no reading here.
    read = np.asarray(~np.isnan(own.ratios).all(axis=0))
    seconds = float(np.median(baseline.to_numpy(float)[chosen]))
    loops = {name: _only(values, read) for name, values in _of_loops(times, rows).items()}
    return _only(own, read), seconds, memory, loops


def _rounds(times: EpochTimes, rows: NDArray[np.floating]) -> Rounds:
    """The ratios of the subjects in `rows`, NaN where there is none, of one session and loop."""
    timed = ~np.isnan(rows)
    chosen = rows[timed].astype(np.intp)
    ratios = np.full((len(rows), times.ratios.shape[1]), np.nan)
    ratios[timed] = times.ratios[chosen]
    groups = times.subjects.groupby(ALIKE, observed=True).ngroup().to_numpy()
    return Rounds(ratios, times.ratios[np.isin(groups, groups[chosen])])


def _only(rounds: Rounds, read: NDArray[np.bool_]) -> Rounds:
    ratios, alike = rounds
    return Rounds(ratios[:, read], None if alike is None else alike[:, read])


def _of_loops(times: EpochTimes, rows: "pd.Series[float]") -> dict[str, Rounds]:
    """By loop the ratios [variant, round] of the subjects that go by a graph's name and its own."""
    key = [*SESSION, "graph"]
    others = times.subjects[times.subjects["loop"] != "graph"]
    others = others.assign(row=others.index, graph=others["subject"].str.rsplit(".", n=1).str[0])
    graphs = times.subjects.rename(columns={"subject": "graph"})[key].reindex(rows)
    loops: dict[str, Rounds] = {}
    for name, mine in others.groupby("loop", sort=False):
        places = graphs.merge(mine[[*key, "row"]], on=key, how="left")["row"].to_numpy(float)
        if not np.isnan(places).all():
            loops[str(name)] = _rounds(times, places)
    return loops


def main_study(request: AnalyzeRequest) -> StudyForAnalysis | None:
    """The study that redoes the published table, else the first over batch sizes."""
    over_sizes = [study for study in request.studies if "batch_size" in study.axes]
    return next((study for study in over_sizes if study.published), next(iter(over_sizes), None))


FEWEST_SIZES = 3


def families(data: StudyData, fewest: int = FEWEST_SIZES) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """(label, rows of the study by rising batch size) of each family with enough sizes.

    The label lists the other axes, as `optimizer=adam, momentum=0.9`; empty when there is none.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, variant in enumerate(data.ids):
        for name in labels(data.study.settings[variant]):
            members[name].append(row)
    sizes = data.variants["batch_size"].to_numpy()
    for name, variants in members.items():
        rows = np.array(variants)[np.argsort(sizes[variants], kind="stable")]
        if len(set(sizes[rows].tolist())) >= fewest:
            yield name, rows


def labels(setting: dict[str, Any]) -> list[str]:
    """The setting's axes but the batch size, in words of the configuration.

    Several where points of the study coincide in one variant (`learning_rate_rule: fixed|sqrt`).
    """
    return list(labelled(setting))


def labelled(setting: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The same, and the values of the axes that each is made of."""
    axes = [axis for axis in setting if axis != "batch_size"]
    values = [str(setting[axis]).split("|") for axis in axes]
    points = [dict(zip(axes, point, strict=True)) for point in product(*values)]
    return {", ".join(f"{axis}={point[axis]}" for axis in axes): point for point in points}
