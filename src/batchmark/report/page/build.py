"""The page as one view, and its HTML."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from batchmark.contract.files import write_text
from batchmark.contract.languages import ANSWER_FILE
from batchmark.contract.requests.render import RenderRequest
from batchmark.report.catalogue import figures_of_page, of_section
from batchmark.report.language.messages import say, typeset
from batchmark.report.language.translation import Language, languages
from batchmark.report.page import appendix
from batchmark.report.page.answer import answer
from batchmark.report.page.appendix import clock_table, head
from batchmark.report.page.claims import claims, scores, themes, unmeasured
from batchmark.report.page.explorer import answer_code, cost_model, explorer
from batchmark.report.page.original import headline, introduction
from batchmark.report.page.studies import study_section
from batchmark.report.page.view import Link, Page, SmallPage, read_figures, table_files
from batchmark.report.selection import Tables

# Figures that fill the page's width.
FEW = 2


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
    sections = [study_section(words, tables, figures, language) for words in request.studies]
    conclusion = answer(tables, sections)
    cards = claims(tables, figures)
    return Page(
        partial=request.partial,
        results="" if request.partial else _made_of(tables.folder / "results.csv"),
        tag=language.tag,
        title=say("Which batch size should I train with?"),
        description=conclusion.sentence,
        others=[Link(other.tag, other.name, other.file) for other in others],
        head=head(tables, request.scale),
        answer=conclusion,
        code=answer_code(tables),
        picture=figures.get("time_to_target"),
        explorer=explorer(tables),
        model=cost_model(tables),
        introduction=introduction(tables),
        headline=headline(tables),
        scores=scores(tables),
        themes=themes(cards),
        untested=unmeasured(cards),
        # Those of one figure stand beside each other, then those of none.
        studies=sorted(sections, key=lambda one: -min(len(one.figures), FEW)),
        hood=[figures[name] for name in of_section(figures, "hood")],
        clock=clock_table(tables),
        unmeasured=appendix.unmeasured(of_section(unmade, "hood")),
        gpu_measured="devices" in figures,
        machines=appendix.machines_table(tables),
        to_compare=appendix.to_compare(tables),
        failures=appendix.failures(tables),
        warnings=appendix.warnings(tables),
        environment=appendix.environment(tables),
        reproduction=appendix.reproduction(request, tables),
        downloads=table_files(tables.folder),
    )


def _made_of(listing: Path) -> str:
    """SHA-256 of the list of result files, by which `publish` knows the report of its results."""
    return hashlib.sha256(listing.read_bytes()).hexdigest()


def rendered(
    page: Page | SmallPage, language: Language, templates: Path, template: str = "page.html"
) -> str:
    """The page as HTML, its style and script inside it and allowed by their digests only."""
    style = (templates / "style.css").read_text(encoding="utf-8")
    scripts = sorted((templates / "script").glob("*.js"))
    script = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    # Nothing is loaded and nothing else is run, whatever a text should contain.
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    environment = _environment(templates, language)
    return environment.get_template(template).render(
        page=page,
        style=_inline(style),
        script=_inline(script),
        policy=policy,
    )


def write_small_pages(
    made: Callable[[str, Sequence[Link]], SmallPage], name: str, templates: Path, reports: Path
) -> None:
    """Write `{name}.html`, and the same page in the other languages, each linked to the others.

    `made`: the page with a language's tag and the links to the others.
    """
    spoken = languages(templates)
    links = [Link(each.tag, each.name, each.file.replace("index", name, 1)) for each in spoken]
    for language, link in zip(spoken, links, strict=True):
        page = made(language.tag, [other for other in links if other is not link])
        if (reports / language.file).is_file():
            page = replace(page, report=language.file)
        write_text(reports / link.file, rendered(page, language, templates, "small.html"))


def in_words(page: Page, language: Language, templates: Path) -> str:
    """The answer, what limits it and the warnings, as plain text that is reStructuredText, too."""
    environment = _environment(templates, language).overlay(autoescape=False)
    return environment.get_template(ANSWER_FILE).render(page=page)


def _environment(templates: Path, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=language.printed,
    )
    environment.filters["typeset"] = lambda message: typeset(language.tell(message))  # pyrefly: ignore [bad-argument-type]
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.text,
        lambda single, many, n: language.text(single if n == 1 else many),
        newstyle=False,
    )
    return environment


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inline(text: str) -> Markup:
    """Text for a style or script element, which must not be able to end it."""
    if "</" in text:
        raise ValueError("an inlined file holds '</', which would end its element")
    return Markup(text)  # noqa: S704 (our own style sheet and script)
