"""Make the report: `index.html` and its translations from tables, figures and templates."""

import argparse
from pathlib import Path

from batchmark.contract.files import write_text
from batchmark.contract.languages import ANSWER_FILE, SOURCE, page_file, pages_in
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.report.language.translation import languages
from batchmark.report.page.build import in_words, page, rendered
from batchmark.report.selection import Tables
from batchmark.stages.command import run


def render(
    request: RenderRequest, tables: Tables, figures: Path, templates: Path, reports: Path
) -> None:
    """Write the page in every language into `reports`, and no other; its answer in English."""
    spoken = languages(templates)
    for code in pages_in(reports).keys() - {language.code for language in spoken}:
        # A page of a removed catalogue would show older results.
        (reports / page_file(code)).unlink()
    for language in spoken:
        others = [other for other in spoken if other is not language]
        view = page(request, tables, figures, language, others)
        write_text(reports / language.file, rendered(view, language, templates))
        if language.code == SOURCE:
            write_text(reports / ANSWER_FILE, in_words(view, language, templates))


def main() -> None:
    """`python -m batchmark.stages.render --request FILE --tables DIR …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", required=True, type=Path, help="a RenderRequest as JSON")
    parser.add_argument("--tables", required=True, type=Path)
    parser.add_argument("--figures", required=True, type=Path, help="what the plot stage wrote")
    parser.add_argument("--templates", required=True, type=Path)
    parser.add_argument("--reports", required=True, type=Path, help="the folder to write to")
    given = parser.parse_args()
    render(
        read_request(given.request, RenderRequest),
        Tables(given.tables),
        given.figures,
        given.templates,
        given.reports,
    )


if __name__ == "__main__":
    run(main)
