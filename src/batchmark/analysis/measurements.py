"""Everything the statistics work on, read from the tidy tables once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchmark.analysis.epoch_time import EpochTimes, epoch_times
from batchmark.analysis.outcomes import (
    RUN,
    Curves,
    column,
    epochs_times,
    outcomes,
    read_curves,
    study_outcomes,
)
from batchmark.contract.frames import read_document, read_table
from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.errors import UserError


@dataclass(frozen=True)
class Measurements:
    """The tidy tables and what follows from them without statistics.

    `outcomes`: one row per trial, uncut. `by_study`: one row per study and trial, cut to the
    study's budget. `targets`: each study's list, the main one first; columns of `outcomes`
    called `target` and `epochs_to_target` are about the main target of a variant's first study.
    """

    request: AnalyzeRequest
    targets: dict[str, list[float]]
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    by_study: pd.DataFrame
    timings: pd.DataFrame
    times: EpochTimes
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
    needed = rows[[column(target) for target in every]].to_numpy(float)
    places = np.searchsorted(every, rows["target"].fillna(every[0]).to_numpy(float))
    return rows.assign(epochs_to_target=needed[np.arange(len(rows)), places])


def _targets(
    variants: pd.DataFrame, request: AnalyzeRequest, study: StudyForAnalysis
) -> list[float]:
    """The study's own targets for the data set at hand, else those of the configuration."""
    if variants.empty:
        raise UserError("results: no run of this plan was found; run the train stage first.")
    dataset = str(variants["dataset"].iloc[0])
    targets = study.targets.get(dataset) or request.targets.get(dataset)
    if not targets:
        known = ", ".join(sorted(request.targets)) or "none"
        raise UserError(
            f"config: targets.{dataset} is missing (given: {known}); list at least one validation "
            f"accuracy for the data set {dataset!r}, for example [0.9]."
        )
    return targets
