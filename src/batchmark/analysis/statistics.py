"""All tables of statistics of a plan."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from batchmark.analysis.answer import answer
from batchmark.analysis.best_batch import best_batches
from batchmark.analysis.block import Block, blocks
from batchmark.analysis.comparisons import compare
from batchmark.analysis.cost_model import cost_model
from batchmark.analysis.epoch_time import noise
from batchmark.analysis.gradient_noise import noise_scales, probes
from batchmark.analysis.measurements import Measurements
from batchmark.analysis.performance_profile import performance_profile
from batchmark.analysis.published import published
from batchmark.analysis.sensitivity import sensitivity
from batchmark.analysis.summary import summarize
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.tables import ANALYZED


def analyze(measured: Measurements) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables by name, all but the claims, and the content of answer.json."""
    request = measured.request
    floors = noise(measured.timings, measured.times)
    every = list(blocks(measured, floors))
    tables = {
        "summary": summarize(measured.variants, measured.outcomes, measured.times),
        "noise": floors,
        "settings": settings(request),
        "threads": measured.times.subjects[list(ANALYZED["threads"])],
        "comparisons": _each(every, compare),
        "sensitivity": _each(every, sensitivity),
        "cost_model": _each(every, cost_model),
        "best_batches": _each(every, best_batches),
        "profile": _each(every, performance_profile),
        "probes": probes(measured.draws),
        "noise_scale": noise_scales(measured.draws),
        "published": published(),
    }
    return tables, answer(every, request)


def settings(request: AnalyzeRequest) -> pd.DataFrame:
    """One row per study, variant and axis."""
    rows = [
        (study.name, variant, axis, value, variant == study.baseline)
        for study in request.studies
        for variant, values in study.settings.items()
        for axis, value in values.items()
    ]
    return pd.DataFrame(rows, columns=list(ANALYZED["settings"]))


def _each(every: list[Block], table: Callable[[Block], pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for block in every if len(frame := table(block))]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
