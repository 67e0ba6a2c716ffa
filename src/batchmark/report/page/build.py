"""The whole page as view models: pure functions of tables, drawn figures and the request."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from batchmark.contract.requests.render import RenderRequest
from batchmark.report.catalogue import figures_of_page, of_section
from batchmark.report.page import appendix
from batchmark.report.page.answer import answer
from batchmark.report.page.claims import claims, scores, themes, unmeasured
from batchmark.report.page.clock import clock_table
from batchmark.report.page.downloads import table_files
from batchmark.report.page.figures import read_figures
from batchmark.report.page.head import head
from batchmark.report.page.headline import headline, introduction
from batchmark.report.page.studies import study_section
from batchmark.report.page.view import Link, Page
from batchmark.report.tables import Tables
from batchmark.report.translation import Language


def page(
    request: RenderRequest,
    tables: Tables,
    figure_folder: Path,
    language: Language,
    others: Sequence[Language],
) -> Page:
    """The page in one language, linked to the same page in the others."""
    possible = figures_of_page([study.name for study in request.studies])
    figures = read_figures(figure_folder, possible, language)
    unmade = [name for name in possible if name not in figures]
    said = answer(tables, language)
    told = claims(tables, figures, language)
    return Page(
        partial=request.partial,
        results="" if request.partial else _made_of(tables.folder / "results.csv"),
        tag=language.tag,
        title=language.text("Which batch size should I train with?"),
        description=said.sentence,
        others=[Link(one.tag, one.name, one.file) for one in others],
        head=head(tables, request.scale, language),
        answer=said,
        picture=figures.get("time_to_target"),
        introduction=introduction(tables, language),
        headline=headline(tables, language),
        scores=scores(tables, language),
        themes=themes(told, language),
        untested=unmeasured(told),
        studies=[study_section(words, tables, figures, language) for words in request.studies],
        hood=[figures[name] for name in of_section(figures, "hood")],
        clock=clock_table(tables, language),
        unmeasured=appendix.unmeasured(of_section(unmade, "hood"), language),
        gpu_measured="devices" in figures,
        machines=appendix.machines_table(tables, language),
        failures=appendix.failures(tables),
        cautions=appendix.cautions(tables, language),
        environment=appendix.environment(tables, language),
        reproduction=appendix.reproduction(request, tables, language),
        downloads=table_files(tables.folder),
    )


def _made_of(listing: Path) -> str:
    """SHA-256 of the list of result files, by which `publish` knows the report of its results."""
    return hashlib.sha256(listing.read_bytes()).hexdigest()
