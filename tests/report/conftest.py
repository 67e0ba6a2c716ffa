"""One report on synthetic results, made once for all tests of the page."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from batchmark.collecting.tidy import collect
from batchmark.contract.requests.render import RenderRequest, StudyForReport
from batchmark.plan.plan import published_config, published_files
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.selection import Tables
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from batchmark.stages.judge import judge_claims
from batchmark.stages.plot import plot
from batchmark.stages.render import render
from tests import synthetic
from tests.report.messages_in_use import TEMPLATES

HOSTILE = "<script>alert('x')</script>"
LOG = "File /home/somebody/code/batchmark/src/x.py, line 1\n<img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Site:
    """Where the report and what it was made of lie."""

    tables: Path
    figures: Path
    reports: Path

    def html(self, language: str = "en") -> str:
        name = "index.html" if language == "en" else f"index.{language}.html"
        return (self.reports / name).read_text(encoding="utf-8")

    def facts(self, figure: str) -> dict:
        return json.loads((self.figures / f"{figure}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def synthetic_tables(shared_folder: Path) -> Path:
    """All tables of two synthetic machines, one with a GPU, for all studies and workers."""
    return _once(shared_folder / "synthetic", _write_tables) / "tables"


@pytest.fixture(scope="session")
def site(synthetic_tables: Path, shared_folder: Path) -> Site:
    """The whole report, drawn and rendered, for all workers."""
    reports = _once(shared_folder / "reports", partial(_write_site, synthetic_tables))
    return Site(synthetic_tables, reports / "figures", reports)


def _once(folder: Path, write: Callable[[Path], None]) -> Path:
    """`folder`, written by the first worker that needs it."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            unfinished.mkdir()
            write(unfinished)
            unfinished.rename(folder)
    return folder


def _write_tables(folder: Path) -> None:
    request = synthetic.example_request(epochs=4.0, studies=tuple(synthetic.example_settings()))
    gpu = synthetic.Truth(seconds_per_example=2e-6, seconds_per_step=7e-4, rounds=3, draws=8)
    synthetic.write_results(
        folder / "results", request, 0, truth=synthetic.Truth(rounds=5, draws=8)
    )
    synthetic.write_results(
        folder / "results", request, 1, machine="bench", device="gpu", truth=gpu
    )
    asked = synthetic.collect_request(request)
    tables = folder / "tables"
    write_collection(collect(asked, folder / "results", folder, partial=False), tables)
    analyze_tables(request, tables)
    judge_claims(request, tables)
    (tables / "failures.csv").write_text(
        f'machine,device,variant,studies,reason,log\nlocal,cpu,mlp-x,model,{HOSTILE},"{LOG}"\n',
        encoding="utf-8",
    )


def _write_site(synthetic_tables: Path, reports: Path) -> None:
    tables, figures = Tables(synthetic_tables), reports / "figures"
    names = list(synthetic.example_settings())
    for figure in figures_for({name: [] for name in names}, probed=True, profiled=True):
        plot(figure, module_of(figure), tables, figures / f"{figure}.svg")
    render(request_for(names), tables, figures, TEMPLATES, reports)


def request_for(studies: list[str]) -> RenderRequest:
    """A request whose words try to break out."""
    words = [
        StudyForReport(
            name=name,
            question={"en": f"Is {HOSTILE} safe in {name}?", "zh": f"{name} 安全吗？"},
            description={"en": "A description.", "zh": "说明。"},
        )
        for name in studies
    ]
    return RenderRequest(
        scale="test",
        studies=words,
        config_files=published_files(["/home/somebody/project/config/config.yaml"]),
        config=published_config(
            {"scale": "</pre>" + HOSTILE, "dataset": {"path": "/home/somebody/digits.npz"}}
        ),
    )
