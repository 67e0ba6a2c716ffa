"""The site: the report, its archive, their listing, a badge, and the results as one file."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from batchmark.contract.errors import UserError, scrubbed, scrubbed_json
from batchmark.contract.files import sealed, write_text
from batchmark.contract.languages import pages_in
from batchmark.publishing.summary import Identity, Summary, headline, report_name, summarize, traces
from batchmark.report.language.messages import say
from batchmark.report.language.translation import languages

# Px: of a character, and beside a text of the badge; the drawing fits the text to its field.
_CHARACTER = 6.6
_PADDING = 12

# Where a page of the report has room for what only a site has.
PLACE = "<!-- site -->"


def _drawn(template: str, **values: object) -> str:
    """A template of this folder with `values`, each of them escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


@dataclass(frozen=True)
class _Box:
    """A field of the badge, in px; its text is fitted to it, since the font is not known."""

    text: str
    fill: str
    left: int

    @property
    def length(self) -> int:
        return round(len(self.text) * _CHARACTER)

    @property
    def width(self) -> int:
        return self.length + _PADDING

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def draw_badge(label: str, message: str) -> str:
    """An SVG of 20 px height: `label` on grey, `message` on blue."""
    left = _Box(label, "#444", 0)
    right = _Box(message, "#0060a0", left.width)
    width = left.width + right.width
    return _drawn("badge.svg", name=f"{label}: {message}", width=width, boxes=(left, right))


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
    reports = [_listed_report(folder, languages) for folder in report_folders(site / ARCHIVE)]
    return _drawn("reports.html", reports=reports, files=_files(site))


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


# The first day that a zip can tell.
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Unix's mode, in the upper half of a zip's attributes: a file that all may read.
_REGULAR_FILE = 0o100644 << 16


def write_bundle(path: Path, results: Path) -> list[str]:
    """Pack every result file of `results` without the paths in its texts; returns the names.

    Sorted names and fixed dates: equal results give an equal archive. Links are left out, since
    they could lead out of the folder.
    """
    inside = results.resolve()
    # Result files only, no tables and no scratch files.
    files = {
        f"results/{file.relative_to(results).as_posix()}": file
        for file in results.glob("*/*/*/*.json")
        if file.is_file()
        and not file.name.startswith(".")
        and file.resolve().is_relative_to(inside)
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = _REGULAR_FILE
            # Unix, whatever system writes it: else the modes would mean nothing, and bytes differ.
            member.create_system = 3
            text = scrubbed_json(files[name].read_text(encoding="utf-8"))
            archive.writestr(member, sealed(text.encode()))
    return sorted(files)


# What build_site writes, as patterns; whatever else a published branch holds is not ours.
OWN_NAMES = (
    "index.html", "index.*.html", "reports.html", "summary.json", "badge.svg", "results.zip",
    "tables", "figures", ARCHIVE,
)  # fmt: skip


def build_site(site: Path, reports: Path, results: Path) -> Summary:
    """Fill the empty folder `site` from a rendered report and its results.

    Raises UserError when there is no report yet. What the site says of the machine is for
    `refuse_traces` to look at.
    """
    page = reports / "index.html"
    if not page.is_file():
        raise UserError(f"{page} does not exist; run `make report` before publishing.")

    summary = summarize(page, results)
    _copy(site / "figures", reports.glob("figures/*.svg"))
    _copy(site / "tables", results.glob("tables/*.csv"))
    write_bundle(site / "results.zip", results)
    write_text(site / "summary.json", summary.model_dump_json(indent=1) + "\n")
    badge = draw_badge("best batch size", headline(summary.answer))
    (site / "badge.svg").write_text(badge, encoding="utf-8")
    _copy_pages(reports, site, "")
    archived = site / ARCHIVE / report_name(summary)
    _copy_pages(reports, archived, "../../")
    shutil.copyfile(site / "summary.json", archived / "summary.json")
    return summary


def add_reports(site: Path, archive: Path) -> None:
    """Take the reports of another archive into the site's; those it has already stay."""
    for folder in report_folders(archive):
        target = site / ARCHIVE / folder.name
        if not target.exists():
            target.mkdir(parents=True)
            for path in (*pages_in(folder).values(), folder / "summary.json"):
                if path.is_file():
                    shutil.copyfile(path, target / path.name)


def write_listing(site: Path) -> None:
    """Write `reports.html` for what the site holds now, languages under their own names."""
    names = {language.code: language.name for language in languages()}
    (site / "reports.html").write_text(draw_listing(site, names), encoding="utf-8")


def refuse_traces(site: Path, identity: Identity) -> None:
    """Raise UserError when a file of the site, or of its archive of results, names the machine."""
    for name, text in _texts(site):
        telling = traces(text, identity)
        if telling:
            raise UserError(
                f"Nothing was published: {name} holds {telling[0]}, which names this machine or "
                "its user; take it out of the results or the config (`machine:` is a name you "
                "choose) and render again."
            )


def _copy(folder: Path, files: Iterator[Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(files):
        text = scrubbed(file.read_text(encoding="utf-8"))
        (folder / file.name).write_text(text, encoding="utf-8")


def _copy_pages(reports: Path, folder: Path, root: str) -> None:
    """Copy the page in all languages; each gets a link to `reports.html` under `root`."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in languages():
        page = reports / language.file
        if page.is_file():
            words = language.tell(say("All reports and files"))
            link = _drawn("link.html", words=words, target=f"{root}reports.html")
            text = page.read_text(encoding="utf-8").replace(PLACE, link)
            (folder / language.file).write_text(text, encoding="utf-8")


def _texts(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix()
        if path.suffix != ".zip":
            yield name, path.read_text(encoding="utf-8")
            continue
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield f"{name}: {member}", f"{member}\n{archive.read(member).decode()}"
