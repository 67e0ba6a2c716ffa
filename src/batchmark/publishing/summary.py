"""`summary.json` of a published report: when, where, on what, and the answer."""

import csv
import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any, Literal

from batchmark.errors import UserError
from batchmark.results.run import RunResult
from batchmark.results.schema import Record, read_result

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Cell = str | float | None


class Summary(Record):
    """What a program, the badge and the list of reports want to know of a report.

    `date`: of the last trial, ISO. `datasets`: digest by name. `answer`: as in `answer.json`.
    `variants`: the rows of `summary.csv`, numbers as numbers and empty cells as null. `page`:
    SHA-256 of the English page, which tells two reports of one day apart.
    """

    schema_version: Literal["batchmark.site/1"] = "batchmark.site/1"
    date: str
    machines: list[str]
    datasets: dict[str, str]
    answer: dict[str, Any]
    variants: list[dict[str, Cell]]
    page: str


def summarize(page: Path, results: Path) -> Summary:
    """Summarize the report `page` made of `results`; raises UserError when results are missing."""
    runs = [read_result(path, RunResult) for path in sorted(results.glob("*/*/runs/*.json"))]
    started = [trial.clock.started[:10] for run in runs for trial in run.trials]
    dates = [date for date in started if _DATE.fullmatch(date)]
    if not dates:
        raise UserError(f"{results} holds no finished runs to publish; run `make report` first.")
    return Summary(
        date=max(dates),
        machines=sorted({run.machine for run in runs}),
        datasets={run.dataset.name: run.dataset.digest for run in runs},
        answer=_answer(results / "tables/answer.json"),
        variants=_rows(results / "tables/summary.csv"),
        page=hashlib.sha256(page.read_bytes()).hexdigest(),
    )


def report_name(summary: Summary) -> str:
    """The folder of a report in the archive: sorts by date, says the machine, is unique."""
    return f"{summary.date}-{'+'.join(summary.machines)[:80]}-{summary.page[:8]}"


def headline(answer: dict[str, Any]) -> str:
    """The best batch size in a few characters: `64 (41–96)`, or `between 10 and 500`."""
    best = answer.get("best_batch_size")
    low, high = answer.get("best_batch_size_low"), answer.get("best_batch_size_high")
    bounded = _are_numbers(low, high)
    if not _are_numbers(best) or answer.get("decided") is False:
        return f"between {low:g} and {high:g}" if bounded else "not decided"
    return f"{best:g} ({low:g}–{high:g})" if bounded else f"{best:g}"


def _are_numbers(*values: object) -> bool:
    """Within what can be written as one: JSON may hold more digits than a float, or NaN."""
    return all(isinstance(value, int | float) and abs(value) < 1e300 for value in values)


def _answer(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _rows(path: Path) -> list[dict[str, Cell]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: _cell(text) for key, text in row.items()} for row in csv.DictReader(file)]


def _cell(text: str) -> Cell:
    """A finite number, null for an empty cell, else the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text or None
    return number if math.isfinite(number) else text
