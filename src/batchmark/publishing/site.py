"""The site of a report: pages, tables, figures, raw results, summary, badge, archive."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from batchmark.errors import UserError
from batchmark.privacy import scrubbed
from batchmark.publishing.badge import draw_badge
from batchmark.publishing.bundle import write_bundle
from batchmark.publishing.guard import Identity, traces
from batchmark.publishing.listing import ARCHIVE, draw_listing, report_folders
from batchmark.publishing.summary import Summary, headline, report_name, summarize
from batchmark.report.messages import say
from batchmark.report.pages import pages_in
from batchmark.report.translation import languages
from batchmark.results.atomic import write_text

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
        found = traces(text, identity)
        if found:
            raise UserError(
                f"Nothing was published: {name} holds {found[0]}, which names this machine or "
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
            text = _with_link(page.read_text(encoding="utf-8"), f"{root}reports.html", words)
            (folder / language.file).write_text(text, encoding="utf-8")


def _with_link(page: str, target: str, words: str) -> str:
    """Into the page's footer, or at its end when it has none."""
    body, end, rest = page.rpartition("</footer>" if "</footer>" in page else "</body>")
    link = f'<nav aria-label="{words}"><p><a href="{target}">{words}</a></p></nav>\n'
    return f"{body}{link}{end}{rest}" if end else page


def _texts(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix()
        if path.suffix != ".zip":
            yield name, path.read_text(encoding="utf-8")
            continue
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield f"{name}: {member}", f"{member}\n{archive.read(member).decode()}"
