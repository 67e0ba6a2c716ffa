"""The table of claims: every claim on every device."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchmark.analysis.block import Block
from batchmark.analysis.claims import (
    batch_size,
    generalization,
    gradients,
    hardware,
    momentum,
    normalization,
    optimizers,
    published_table,
    regularization,
)
from batchmark.analysis.claims.decision import Decision
from batchmark.analysis.claims.evidence import Evidence
from batchmark.analysis.claims.registry import CLAIMS, Claim, Unit
from batchmark.analysis.claims.wording import percentage, plain, points
from batchmark.analysis.measurements import Measurements, where

THEMES = (
    gradients,
    hardware,
    batch_size,
    generalization,
    regularization,
    momentum,
    normalization,
    optimizers,
    published_table,
)
_NOTHING = Decision("not measured", np.nan, np.nan, np.nan, np.nan, 0)
_UNMEASURED = {
    "en": "Nothing at this scale measures it: it needs {study}.",
    "zh": "当前规模未作测量:需要 {study}。",
}
_STYLES = {"plain": plain, "percent": percentage, "points": points}
_STUDY_ZH = {"gradient probes": "梯度探针", "timings": "计时", "and": "和"}


def all_claims() -> list[Claim]:
    """Every claim, theme by theme."""
    modules = [theme.__name__ for theme in THEMES]
    return sorted(CLAIMS.values(), key=lambda one: modules.index(one.decide.__module__))


def claims_table(
    measured: Measurements, blocks: Sequence[Block], main: str | None, published: pd.DataFrame
) -> pd.DataFrame:
    """One row per machine, device and claim; all claims, also those nothing measures."""
    return pd.DataFrame(
        [
            {"machine": machine, "device": device} | judge(one, evidence)
            for machine, device, evidence in _places(measured, blocks, main, published)
            for one in all_claims()
        ]
    )


def judge(one: Claim, evidence: Evidence) -> dict[str, Any]:
    """The row of a claim: its words, the effect with its interval, the verdict, the evidence."""
    found = one.decide(evidence)
    decision = found.decision if found else _NOTHING
    row: dict[str, Any] = {"id": one.id, "theme": one.theme, "study": one.study}
    for language in ("en", "zh"):
        template = found.evidence[language] if found else _UNMEASURED[language]
        numbers = dict(found.numbers) if found else {"study": _study(one.study, language)}
        row |= {
            f"claim_{language}": one.statement[language],
            f"rule_{language}": one.rule[language],
            f"effect_{language}": one.effect[language],
            f"evidence_{language}": template.format(**_shown(decision, one.unit), **numbers),
        }
    return row | {
        "verdict": decision.verdict,
        "effect": decision.effect,
        "low": decision.low,
        "high": decision.high,
        "margin": decision.margin,
        "n": decision.n,
    }


def _shown(decision: Decision, unit: Unit) -> dict[str, str]:
    names = ("effect", "low", "high", "margin")
    return {name: _STYLES[unit](getattr(decision, name)) for name in names} | {"n": str(decision.n)}


def _study(names: str, language: str) -> str:
    if language == "en":
        return names
    for english, chinese in _STUDY_ZH.items():
        names = names.replace(english, chinese)
    return names


def _largest(environment: dict[str, Any]) -> int | None:
    """The largest batch size that any timing block predicted to fit into memory."""
    blocks = environment.get("timings", {}).values()
    found = [size for block in blocks for size in block["largest_batch_size"].values() if size]
    return max(found, default=None)


def _places(
    measured: Measurements, blocks: Sequence[Block], main: str | None, published: pd.DataFrame
) -> Iterator[tuple[str, str, Evidence]]:
    for machine, device in dict.fromkeys((block.machine, block.device) for block in blocks):
        here = [b for b in blocks if (b.machine, b.device) == (machine, device)]
        place = {"machine": machine, "device": device}
        yield machine, device, Evidence(
            blocks=here,
            main=next((block for block in here if block.study.name == main), None),
            draws=where(measured.draws, **place),
            magnitudes=where(measured.magnitudes, **place),
            published=published,
            largest_batch_size=_largest(measured.environment.get(f"{machine}/{device}", {})),
        )  # fmt: skip
