"""What a published report says of itself, and what it must and must not hold."""

import base64
import csv
import getpass
import hashlib
import json
import math
import re
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from batchmark.contract.errors import UserError
from batchmark.contract.files import digest_of
from batchmark.contract.record import Record, read_result
from batchmark.contract.run import RunResult
from batchmark.contract.tables import kind

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
    answer = results / "tables/answer.json"
    return Summary(
        date=max(dates),
        machines=sorted({run.machine for run in runs}),
        datasets={run.dataset.name: run.dataset.digest for run in runs},
        answer=json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {},
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


def _rows(path: Path) -> list[dict[str, Cell]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {column: _cell(column, text) for column, text in row.items()}
            for row in csv.DictReader(file)
        ]


def _cell(column: str, text: str) -> Cell:
    """A finite number, null for an empty cell, else the text: a machine may be called 007."""
    if kind("summary", column) == "text":
        return text or None
    try:
        number = float(text)
    except ValueError:
        return text or None
    return number if math.isfinite(number) else text


# Shorter ones would be found in any text.
_SHORTEST_NAME = 3
# A folder's name ends here; a longer name is another folder.
_END = r"(?=[/\\\s\"'`<>&),;:]|$)"
# Whoever it is: home folders, and addresses with a user.
_EVERYBODYS = (
    re.compile(rf"(?:/home|/Users)/[^/\s\"'<>&),;:]+{_END}"),
    re.compile(r"[A-Za-z]:(?:\\+|/)Users(?:\\+|/)[^\\/\s\"'<>&]+"),
    re.compile(r"\w+://[^/\s\"'<>@]+@"),
)
# What the page carries for download.
_DATA_URI = re.compile(r'(?<=")data:[^",]*?(;base64)?,([^"]*)(?=")')


@dataclass(frozen=True)
class Identity:
    """What tells this machine and its user apart: names, and absolute paths of folders."""

    hosts: tuple[str, ...]
    user: str
    folders: tuple[str, ...]


def this_identity() -> Identity:
    """The identity of the machine and user that run this process."""
    hosts = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    folders = {str(Path.cwd()), sys.prefix, tempfile.gettempdir(), str(Path.home())}
    return Identity(tuple(sorted(hosts)), _user(), tuple(sorted(folders - {"/"})))


def traces(text: str, identity: Identity) -> list[str]:
    """What of `identity`, or of any user, `text` and its data URIs hold, in words; else empty."""
    embedded = (_decoded(packed, content) for packed, content in _DATA_URI.findall(text))
    readable = "\n".join([text, *embedded])
    patterns = [
        *(rf"\b{re.escape(host)}\b" for host in identity.hosts if _is_telling(host)),
        *([rf"\b{re.escape(identity.user)}@"] if identity.user else []),
        *(rf"(?<![\w.]){re.escape(folder)}{_END}" for folder in identity.folders),
        *_EVERYBODYS,
    ]
    matches = filter(None, (re.search(pattern, readable) for pattern in patterns))
    return [
        # A password is not repeated in the sentence that complains of it.
        "an address with a password" if text.endswith("@") and "://" in text else repr(text)
        for text in (match.group() for match in matches)
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""


def _decoded(packed: str, content: str) -> str:
    """The text of a data URI; empty when it is an image or other bytes."""
    if not packed:
        return unquote(content)
    try:
        return base64.b64decode(content + "=" * (-len(content) % 4)).decode()
    except ValueError:
        return ""


def _is_telling(host: str) -> bool:
    """Whether a text with this word in it names a host: `kraken-7` does, `batch` may be prose."""
    return len(host) >= _SHORTEST_NAME and re.search(r"[\d.-]", host) is not None


def refuse_other_results(page: Path, results: Path) -> None:
    """Raise UserError unless `page` is a whole report, made of what is in `results` now."""
    listing = results / "tables" / "results.csv"
    made_of = hashlib.sha256(listing.read_bytes()).hexdigest() if listing.is_file() else "nothing"
    remedy = "Nothing was published; run `snakemake` for the report, then publish."
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    if f'<meta name="batchmark-results" content="{made_of}">' not in html:
        raise UserError(f"{page} is not the whole report of the results in {results}. {remedy}")
    with listing.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = results / row["file"]
            if not path.is_file() or digest_of(path.read_bytes()) != row["digest"]:
                raise UserError(f"{path} is not what {page} was made of, or gone. {remedy}")
