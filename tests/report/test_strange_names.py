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

# Of a study, a data set and a machine: each place has a number, and a missing value or a truth.
NAMES = [("2024", "nan", "null"), ("inf", "007", "true"), ("na", "1e5", "none")]
PLAIN = ("zq7", "xj8", "vk9")


def _tables(folder: Path, names: tuple[str, str, str]) -> Path:
    """Tables of a study, a data set and a machine with these names, beside another machine's."""
    name, of_data, machine = names
    settings = synthetic.grid(batch_size=[16, 64])
    study, variants = synthetic.study(name, settings, {"batch_size": 16}, epochs=3, trials=2)
    dataset = synthetic.MNIST.model_copy(update={"name": of_data})
    example = synthetic.example_request(trials=2, epochs=3, studies=("batch_size",))
    request = example.model_copy(
        update={
            "machine": machine,
            "studies": [study],
            "variants": variants,
            "targets": {of_data: [0.9]},
            "probed": [variants[0].id],
        }
    )
    truth = synthetic.Truth(rounds=3, draws=4)
    for each in (machine, f"{machine}-2"):
        synthetic.write_results(
            folder / "results", request, 0, machine=each, truth=truth, dataset=dataset
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
    return _tables(tmp_path_factory.mktemp("plain"), PLAIN)


def _frame(tables: Path, name: str) -> pd.DataFrame:
    """A table without the digests of the result files, in which the name stands."""
    return Tables(tables).frame(name).drop(columns="digest", errors="ignore")


@pytest.mark.parametrize("names", NAMES)
def test_every_table_reads_as_that_of_plain_names(
    names: tuple[str, str, str], plain: Path, tmp_path: Path
) -> None:
    made = _tables(tmp_path, names)
    for path in sorted(plain.glob("*.csv")):
        expected, table = _frame(plain, path.stem), _frame(made, path.stem)
        for column in expected.select_dtypes("str").columns:
            for usual, strange in zip(PLAIN, names, strict=True):
                expected[column] = expected[column].str.replace(usual, strange)
        pd.testing.assert_frame_equal(table, expected, obj=path.name)


def test_the_page_misses_nothing(plain: Path, tmp_path: Path) -> None:
    strange, usual = page(_tables(tmp_path, NAMES[0]), NAMES[0][0]), page(plain, PLAIN[0])
    assert strange.count("not measured") == usual.count("not measured")
    assert strange.count("<table") == usual.count("<table")
