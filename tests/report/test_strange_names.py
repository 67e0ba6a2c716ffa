"""Names that CSV readers take for numbers, missing values or truths."""

from pathlib import Path

import pandas as pd
import pytest

from batchmark.collecting.tidy import collect
from batchmark.report.catalogue import figures_for, module_of
from batchmark.report.selection import Tables
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from batchmark.stages.judge import judge_claims
from batchmark.stages.plot import plot
from batchmark.stages.render import render
from tests import synthetic
from tests.report.conftest import request_for
from tests.report.messages_in_use import TEMPLATES

NAMES = ["2024", "007", "1e5", "nan", "null", "none", "true", "na", "inf"]
PLAIN = "zq7"


def _tables(folder: Path, name: str) -> Path:
    """Tables of a study called `name` on a machine called `name`, beside another machine's."""
    settings = synthetic.grid(batch_size=[16, 64])
    study, variants = synthetic.study(name, settings, {"batch_size": 16}, epochs=3, trials=2)
    dataset = synthetic.MNIST.model_copy(update={"name": name})
    example = synthetic.example_request(trials=2, epochs=3, studies=("batch_size",))
    request = example.model_copy(
        update={
            "machine": name,
            "studies": [study],
            "variants": variants,
            "targets": {name: [0.9]},
            "probed": [variants[0].id],
        }
    )
    truth = synthetic.Truth(rounds=3, draws=4)
    for machine in (name, f"{name}-2"):
        synthetic.write_results(
            folder / "results", request, 0, machine=machine, truth=truth, dataset=dataset
        )
    asked = synthetic.collect_request(request)
    write_collection(collect(asked, folder / "results", folder, partial=False), folder / "tables")
    analyze_tables(request, folder / "tables")
    judge_claims(request, folder / "tables")
    return folder / "tables"


def page(tables: Path, name: str) -> str:
    reports = tables.parent / "reports"
    for figure in figures_for({name: ["batch_size"]}, probed=True, profiled=True):
        plot(figure, module_of(figure), Tables(tables), reports / f"figures/{figure}.svg")
    render(request_for([name]), Tables(tables), reports / "figures", TEMPLATES, reports)
    return (reports / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tables(tmp_path_factory.mktemp(PLAIN), PLAIN)


@pytest.fixture(scope="module")
def usual(plain: Path) -> str:
    return page(plain, PLAIN)


def _frame(tables: Path, name: str) -> pd.DataFrame:
    """A table without the digests of the result files, in which the name stands."""
    return Tables(tables).frame(name).drop(columns="digest", errors="ignore")


@pytest.mark.parametrize("name", NAMES)
def test_every_table_reads_as_that_of_a_plain_name(name: str, plain: Path, tmp_path: Path) -> None:
    made = _tables(tmp_path, name)
    for path in sorted(plain.glob("*.csv")):
        expected, table = _frame(plain, path.stem), _frame(made, path.stem)
        text = expected.select_dtypes("str").columns
        for column in text:
            expected[column] = expected[column].str.replace(PLAIN, name)
        pd.testing.assert_frame_equal(table, expected, obj=path.name)


@pytest.mark.parametrize("name", ["2024", "nan"])
def test_the_page_misses_nothing(name: str, usual: str, tmp_path: Path) -> None:
    html = page(_tables(tmp_path, name), name)
    assert html.count("not measured") == usual.count("not measured")
    assert html.count("<table") == usual.count("<table")
