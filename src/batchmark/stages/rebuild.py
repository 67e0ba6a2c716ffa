"""Make the report from raw results in one process: collect, analyze, plot everything, render.

The same functions as the workflow's stages, without starting an interpreter for each of them.
"""

import argparse
import sys
import uuid
from pathlib import Path

from batchmark.analysis.collection import collect
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.render import RenderRequest
from batchmark.errors import UserError
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.tables import Tables
from batchmark.results.atomic import write_text
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.asked import read_request
from batchmark.stages.collect import write_collection
from batchmark.stages.command import run
from batchmark.stages.plot import plot
from batchmark.stages.render import render


def rebuild(given: argparse.Namespace) -> None:
    """All stages behind the results, in order.

    The file `mark` gets a new content before anything is replaced: who made the tables and the
    page before can tell that they are no longer theirs.
    """
    collected = read_request(given.collect_request, CollectRequest)
    analyzed = read_request(given.analyze_request, AnalyzeRequest)
    collection = collect(collected, given.results, given.logs, partial=given.partial)
    if not (collection.rows["variants"] and collection.rows["timings"]):
        raise UserError(
            f"{given.results} holds no finished run or no finished timing block yet: there is "
            "nothing to report."
        )
    if given.mark:
        write_text(given.mark, uuid.uuid4().hex)
    write_collection(collection, given.tables)
    analyze_tables(analyzed, given.tables)
    tables = Tables(given.tables)
    axes = {study.name: study.axes for study in analyzed.studies}
    for figure in figures_for(axes, probed=bool(collected.probed)):
        plot(figure, module_of(figure), tables, given.figures / f"{figure}.svg")
    request = read_request(given.render_request, RenderRequest)
    render(request, tables, given.figures, given.templates, given.reports)
    print(f"the report is at {given.reports / 'index.html'}", file=sys.stderr)


def main() -> None:
    """`python -m batchmark.stages.rebuild --collect-request FILE --analyze-request FILE …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("collect", "analyze", "render"):
        parser.add_argument(f"--{name}-request", required=True, type=Path)
    parser.add_argument("--results", default=Path("results"), type=Path)
    parser.add_argument("--tables", default=Path("results/tables"), type=Path)
    parser.add_argument("--figures", default=Path("reports/figures"), type=Path)
    parser.add_argument("--templates", default=Path("workflow/report"), type=Path)
    parser.add_argument("--reports", default=Path("reports"), type=Path)
    parser.add_argument("--logs", default=Path("logs"), type=Path)
    parser.add_argument("--mark", type=Path, metavar="FILE", help="changed before the report is")
    parser.add_argument("--partial", action="store_true", help="list missing variants and go on")
    rebuild(parser.parse_args())


if __name__ == "__main__":
    run(main)
