"""Make a page of the results there are so far, apart from the report, in one process.

The same functions as the workflow's stages; tables, figures and page go to a folder of their own,
and the page says what is missing.
"""

import argparse
import sys
from pathlib import Path

from batchmark.collecting.tidy import collect
from batchmark.contract.errors import UserError
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.selection import Tables
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from batchmark.stages.command import run
from batchmark.stages.judge import judge_claims
from batchmark.stages.plot import plot
from batchmark.stages.render import render


def make_partial(given: argparse.Namespace) -> None:
    """All stages behind the results, in order, into the folder `given.reports`.

    Raises UserError when there is nothing to report yet, or a result is damaged.
    """
    collected = read_request(given.collect_request, CollectRequest)
    analyzed = read_request(given.analyze_request, AnalyzeRequest)
    collection = collect(collected, given.results, given.logs, partial=True)
    timed = collection.rows["timings"] or not collected.timed
    if not (collection.rows["variants"] and timed):
        raise UserError(
            f"{given.results} holds no finished run or no finished timing session yet: there is "
            "nothing to report."
        )
    tables, figures = Tables(given.reports / "tables"), given.reports / "figures"
    write_collection(collection, tables.folder)
    analyze_tables(analyzed, tables.folder)
    judge_claims(analyzed, tables.folder)
    axes = {study.name: study.axes for study in analyzed.studies}
    asked = {"probed": bool(collected.probed), "profiled": bool(collected.profiled)}
    for figure in figures_for(axes, **asked):
        plot(figure, module_of(figure), tables, figures / f"{figure}.svg")
    request = read_request(given.render_request, RenderRequest)
    # The plan does not know that it was not finished.
    request = request.model_copy(update={"partial": True})
    render(request, tables, figures, given.templates, given.reports)
    missing = len(collection.rows["failures"]) or "none"
    page = given.reports / "index.html"
    print(f"{page} is a partial page; planned results missing: {missing}.", file=sys.stderr)


def main() -> None:
    """`python -m batchmark.stages.partial --collect-request FILE --analyze-request FILE …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("collect", "analyze", "render"):
        parser.add_argument(f"--{name}-request", required=True, type=Path, metavar="FILE")
    folder = {"type": Path, "metavar": "DIR", "help": "[%(default)s]"}
    parser.add_argument("--results", default=Path("results"), **folder)
    parser.add_argument("--templates", default=Path("workflow/report"), **folder)
    parser.add_argument("--logs", default=Path("logs"), **folder)
    parser.add_argument("--reports", default=Path("reports/partial"), **folder)
    make_partial(parser.parse_args())


if __name__ == "__main__":
    run(main)
