"""`reports.html`: the files of the latest report and all reports by date and machine."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from batchmark.publishing.summary import headline
from batchmark.report.pages import pages_in

ARCHIVE = "reports"
REPORT_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-[A-Za-z0-9._+-]{1,110}")


@dataclass(frozen=True)
class ReportPage:
    """A report in one language: its address below the site, and the language's own name."""

    file: str
    language: str


@dataclass(frozen=True)
class ListedReport:
    """A row of the list, in words."""

    date: str
    machines: str
    datasets: str
    answer: str
    pages: list[ReportPage]


def draw_listing(site: Path, languages: Mapping[str, str]) -> str:
    """The HTML of the page for the site in folder `site`, every name and value escaped.

    `languages`: names by code; an archived report may have one more, which goes by its code.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    reports = [_listed_report(folder, languages) for folder in report_folders(site / ARCHIVE)]
    return environment.get_template("reports.html").render(reports=reports, files=_files(site))


def report_folders(archive: Path) -> list[Path]:
    """The folders of an archive that are reports, latest first."""
    if not archive.is_dir():
        return []
    folders = [path for path in archive.iterdir() if REPORT_NAME.fullmatch(path.name)]
    return sorted((path for path in folders if path.is_dir()), reverse=True)


def _listed_report(folder: Path, languages: Mapping[str, str]) -> ListedReport:
    """What the report's summary says; one without a readable summary goes by its folder's name."""
    summary = _summary(folder / "summary.json")
    answer = summary.get("answer")
    return ListedReport(
        date=_joined([summary.get("date") or folder.name]),
        machines=_joined(summary.get("machines")),
        datasets=_joined(summary.get("datasets")),
        answer=headline(answer) if isinstance(answer, dict) else "",
        pages=[
            ReportPage(f"{ARCHIVE}/{folder.name}/{page.name}", languages.get(code, code))
            for code, page in pages_in(folder).items()
        ],
    )


def _joined(names: object) -> str:
    """Names in a row, without the halves of characters that JSON can spell and UTF-8 cannot."""
    text = ", ".join(map(str, names)) if isinstance(names, list | dict) else ""
    return text.encode(errors="replace").decode()


def _summary(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _files(site: Path) -> list[str]:
    return sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*")
        if path.is_file() and path.relative_to(site).parts[0] not in {ARCHIVE, "reports.html"}
    )
