"""Turn the tidy tables into statistics and the answer."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.contract.files import write_json
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.tables import ANALYZED, refuse_edited, write_table
from batchmark.stages.command import run
from batchmark.statistics.answer import answer, best_known
from batchmark.statistics.best_batch import best_batches
from batchmark.statistics.comparisons import compare, performance_profile, sensitivity
from batchmark.statistics.conditions import choices, loop_sizes, loops
from batchmark.statistics.cost_model import cost_model
from batchmark.statistics.epoch_time import check_product, noise
from batchmark.statistics.noise_scale import noise_scales, probes
from batchmark.statistics.prediction import of_answer, predictions
from batchmark.statistics.study_data import (
    Measurements,
    StudyData,
    published,
    read_measurements,
    reference,
    studies,
    where,
)
from batchmark.statistics.summary import summarize


def analyze(measured: Measurements) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables by name, all but the claims, and the content of answer.json."""
    request = measured.request
    floors = noise(measured.timings, measured.times)
    # A list: five tables and the answer are made from the same studies.
    every = list(studies(measured, floors))
    tables = {
        "summary": summarize(measured.variants, measured.outcomes, measured.times),
        "noise": floors,
        "product": check_product(measured.lone_runs, measured.by_study, measured.times),
        "settings": settings(request),
        "threads": where(measured.times.subjects, loop="graph")[list(ANALYZED["threads"])],
        "comparisons": _each(every, compare),
        "sensitivity": _each(every, sensitivity),
        "cost_model": _each(every, cost_model),
        "best_batches": _each(every, best_batches),
        "choices": _each(every, choices),
        "predictions": _each(every, partial(_predictions, measured)),
        "profile": _each(every, performance_profile),
        "loops": _each(every, loops),
        "loop_sizes": _each(every, loop_sizes),
        "probes": probes(measured.draws),
        "noise_scale": noise_scales(measured.draws),
        "published": published(),
        "reference": reference(),
    }
    facts = answer(every, request)
    known = best_known(facts, tables["summary"], tables["threads"])
    beside = {"best_known": known, "prediction": of_answer(facts, tables["predictions"])}
    return tables, facts | {key: value for key, value in beside.items() if value}


def settings(request: AnalyzeRequest) -> pd.DataFrame:
    """One row per study, variant and axis."""
    rows = [
        (study.name, variant, axis, value, variant == study.baseline, variant in study.published)
        for study in request.studies
        for variant, values in study.settings.items()
        for axis, value in values.items()
    ]
    return pd.DataFrame(rows, columns=list(ANALYZED["settings"]))


def _predictions(measured: Measurements, data: StudyData) -> pd.DataFrame:
    return predictions(data, where(measured.draws, machine=data.machine, device=data.device))


def _each(every: list[StudyData], table: Callable[[StudyData], pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for data in every if len(frame := table(data))]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def analyze_tables(request: AnalyzeRequest, folder: Path) -> None:
    """Read the tidy tables in `folder` and write the tables of statistics beside them."""
    tables, answer = analyze(read_measurements(folder, request))
    for name, frame in tables.items():
        write_table(folder, name, frame)
    write_json(folder / "answer.json", answer)


def main() -> None:
    """Parse the command line, read, analyze, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with an AnalyzeRequest")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    asked = parser.parse_args()
    refuse_edited(asked.tables)
    analyze_tables(read_request(asked.request, AnalyzeRequest), asked.tables)


if __name__ == "__main__":
    run(main)
