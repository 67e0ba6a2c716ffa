"""The table of claims: every claim on every device.

`python -m batchmark.claims.verdicts` prints `rules.csv`, in which a rule whose code is not that of
its digest has today's date.
"""

import ast
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
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
    rates,
    regularization,
    workload,
)
from batchmark.claims.decision import Decision
from batchmark.claims.evidence import CLAIMS, Evidence, Finding, Rule
from batchmark.contract.hyperparameters import dataset_of
from batchmark.statistics.intervals import false_discovery
from batchmark.statistics.study_data import Measurements, StudyData, where

# Imported, so that their claims are registered; the table has their order.
MODULES = (
    gradients,
    hardware,
    batch_size,
    regularization,
    optimizers,
    rates,
    normalization,
    published_table,
    workload,
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
    table = pd.DataFrame(
        [
            {"machine": machine, "device": device, "id": name} | judge(rule, seen(rule, evidence))
            for machine, device, evidence in _places(measured, studies, main, published)
            for name, rule in all_claims().items()
        ]
    )
    if table.empty:
        return table
    places = table.groupby(["machine", "device"], sort=False)["p"]
    adjusted = places.transform(lambda p: false_discovery(p.to_numpy(float)))
    # A device's verdicts are read together, another's are read apart.
    known = ledger().merge(reference(), on="id", how="left")
    return table.assign(p_fdr=adjusted).merge(known, on="id", how="left")


def seen(rule: Rule, evidence: Evidence) -> Evidence:
    """What a rule decides on: results on the first data set, unless it compares data sets."""
    if rule.__module__ == workload.__name__:
        return evidence
    draws, magnitudes = (
        table[~table["variant"].astype(str).map(dataset_of).astype(bool)]
        for table in (evidence.draws, evidence.magnitudes)
    )
    studies = [data for data in evidence.studies if not dataset_of(data.ids[0])]
    return replace(evidence, studies=studies, draws=draws, magnitudes=magnitudes)


def ledger() -> pd.DataFrame:
    """`rules.csv`: when each rule was last changed, and the digest of it with that date."""
    with (files("batchmark.claims") / "rules.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str)


def reference() -> pd.DataFrame:
    """`reference.csv`: the reference's verdict on each claim that it measures."""
    with (files("batchmark.claims") / "reference.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str)


def digest(rule: Rule, changed: str) -> str:
    """Of the code of a rule and of everything in this folder that it uses, and of a date.

    Comments and documentation do not count, nor do the statistics, which have no margins.
    """
    code: dict[tuple[str, str], str] = {}
    _collect(rule.__module__, rule.__name__, code)
    text = "\n".join([changed, *(code[key] for key in sorted(code))])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _collect(module: str, name: str, code: dict[tuple[str, str], str]) -> None:
    statement = _statements(module).get(name) if module.startswith("batchmark.claims.") else None
    if isinstance(statement, ast.ImportFrom):
        _collect(statement.module or "", name, code)
    elif statement is not None and (module, name) not in code:
        code[module, name] = ast.dump(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                _collect(module, node.id, code)


@cache
def _statements(module: str) -> dict[str, ast.stmt]:
    """What binds each name of a module, without documentation."""
    spec = find_spec(module)
    assert spec is not None  # noqa: S101
    tree = ast.parse(Path(str(spec.origin)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return {name: statement for statement in tree.body for name in _bound(statement)}


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ImportFrom(names=names):
            return [each.asname or each.name for each in names]
        case ast.Assign(targets=targets):
            return [node.id for node in targets if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def judge(rule: Rule, evidence: Evidence) -> dict[str, Any]:
    """The verdict on a claim, the effect with its interval, and the fields of its sentence.

    `fields` is JSON: numbers have nine significant digits, as everywhere in tables, and are null
    where they are not finite.
    """
    outcome = rule(evidence) or _NOTHING
    decision = outcome.decision
    return {
        "verdict": decision.verdict,
        "policy": outcome.policy,
        "effect": decision.effect,
        "low": decision.low,
        "high": decision.high,
        "margin": decision.margin,
        "n": decision.n,
        "p": decision.p,
        "detectable": decision.detectable,
        "fields": json.dumps(_written(outcome.fields), ensure_ascii=False),
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


def main() -> None:
    """Print the ledger as it has to be."""
    known = ledger().set_index("id")
    print("id,changed,digest")
    for name, rule in all_claims().items():
        changed = str(known["changed"].get(name, ""))
        if known["digest"].get(name) != digest(rule, changed):
            changed = datetime.now(UTC).date().isoformat()
        print(f"{name},{changed},{digest(rule, changed)}")


if __name__ == "__main__":
    main()
