"""The table of claims: every claim on every device."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchmark.claims import (
    batch_size,
    gradients,
    hardware,
    normalization,
    optimizers,
    published_table,
    regularization,
)
from batchmark.claims.decision import Decision
from batchmark.claims.evidence import CLAIMS, Evidence, Finding, Rule
from batchmark.statistics.study_data import Measurements, StudyData, where

MODULES = (
    gradients,
    hardware,
    batch_size,
    regularization,
    optimizers,
    normalization,
    published_table,
)
_NOTHING = Finding(Decision("not measured", np.nan, np.nan, np.nan, np.nan, 0), {})


def all_claims() -> dict[str, Rule]:
    """Every claim's rule by its id, module by module."""
    names = [module.__name__ for module in MODULES]
    return dict(sorted(CLAIMS.items(), key=lambda item: names.index(item[1].__module__)))


def claims_table(
    measured: Measurements, studies: Sequence[StudyData], main: str | None, published: pd.DataFrame
) -> pd.DataFrame:
    """One row per machine, device and claim; all claims, also those nothing measures."""
    return pd.DataFrame(
        [
            {"machine": machine, "device": device, "id": name} | judge(rule, evidence)
            for machine, device, evidence in _places(measured, studies, main, published)
            for name, rule in all_claims().items()
        ]
    )


def judge(rule: Rule, evidence: Evidence) -> dict[str, Any]:
    """The verdict on a claim, the effect with its interval, and the fields of its sentence.

    `fields` is JSON: numbers have nine significant digits, as everywhere in tables, and are null
    where they are not finite.
    """
    found = rule(evidence) or _NOTHING
    decision = found.decision
    return {
        "verdict": decision.verdict,
        "effect": decision.effect,
        "low": decision.low,
        "high": decision.high,
        "margin": decision.margin,
        "n": decision.n,
        "fields": json.dumps(_written(found.fields), ensure_ascii=False),
    }


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _written(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_written(part) for part in value]
    if isinstance(value, np.generic):
        return _written(value.item())
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value


def _largest(environment: dict[str, Any]) -> int | None:
    """The largest batch size that any timing session predicted to fit into memory."""
    sessions = environment.get("timings", {}).values()
    found = [
        size for session in sessions for size in session["largest_batch_size"].values() if size
    ]
    return max(found, default=None)


def _places(
    measured: Measurements, studies: Sequence[StudyData], main: str | None, published: pd.DataFrame
) -> Iterator[tuple[str, str, Evidence]]:
    for machine, device in dict.fromkeys((data.machine, data.device) for data in studies):
        here = [b for b in studies if (b.machine, b.device) == (machine, device)]
        place = {"machine": machine, "device": device}
        yield machine, device, Evidence(
            studies=here,
            main=next((data for data in here if data.study.name == main), None),
            draws=where(measured.draws, **place),
            magnitudes=where(measured.magnitudes, **place),
            published=published,
            largest_batch_size=_largest(measured.environment.get(f"{machine}/{device}", {})),
        )  # fmt: skip
