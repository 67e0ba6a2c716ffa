"""Time and size of the report, made from synthetic results of the default scale.

`python -m benchmarks.rebuild` prints the seconds of collect, analyze, plot and render in one
process (aim: at most 10), the largest figure (aim: under 80 kB) and the page (aim: under 3 MB).
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests import synthetic

from batchmark.collecting.tidy import collect
from batchmark.contract.requests.render import RenderRequest, StudyForReport
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.selection import Tables
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from batchmark.stages.judge import judge_claims
from batchmark.stages.plot import plot
from batchmark.stages.render import render

TEMPLATES = Path(__file__).parents[1] / "workflow" / "report"


def main() -> None:
    """Make the report once in a scratch folder and print what it took."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        request = synthetic.example_request(studies=synthetic.DEFAULT_SCALE)
        synthetic.write_results(folder / "results", request, seed=0)
        seconds = {name: timed(step) for name, step in steps(folder, request).items()}
        sizes = [path.stat().st_size for path in (folder / "figures").glob("*.svg")]
        page = (folder / "index.html").stat().st_size
    seconds["total"] = sum(seconds.values())
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))
    print(f"{len(sizes)} figures, the largest {max(sizes) / 1000:.1f} kB; page {page / 1e6:.2f} MB")


def steps(folder: Path, request: synthetic.Example) -> dict[str, Callable[[], None]]:
    """The stages, ready to run in order."""
    tables = folder / "tables"
    asked = synthetic.collect_request(request)
    return {
        "collect": lambda: write_collection(
            collect(asked, folder / "results", folder, partial=False), tables
        ),
        "analyze": lambda: analyze_tables(request, tables),
        "judge": lambda: judge_claims(request, tables),
        "plot": lambda: plot_all(request, tables, folder),
        "render": lambda: render(
            words(request), Tables(tables), folder / "figures", TEMPLATES, folder
        ),
    }


def plot_all(request: synthetic.Example, tables: Path, folder: Path) -> None:
    """Every figure of the plan."""
    read = Tables(tables)
    axes = {study.name: study.axes for study in request.studies}
    for name in figures_for(axes, probed=True):
        plot(name, module_of(name), read, folder / "figures" / f"{name}.svg")


def words(request: synthetic.Example) -> RenderRequest:
    """What the page says that is not a result."""
    studies = [
        StudyForReport(name=one.name, question={"en": one.name}, description={})
        for one in request.studies
    ]
    return RenderRequest(scale="default", studies=studies, config_files=[], config={})


def timed(step: Callable[[], None]) -> float:
    """Seconds that a step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
