"""The reference is what its packed results say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from benchmarks import reference as made

from batchmark.claims.verdicts import reference as verdicts
from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from batchmark.machine.processor import processor
from batchmark.report.selection import Tables
from batchmark.statistics.study_data import reference
from batchmark.training import environment

LIBRARIES = ("tensorflow_cpu", "keras", "numpy")
MNIST = Path(os.environ.get("MNIST", Path(__file__).parents[3] / "shared/data/mnist"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    made.build("table", folder)
    return folder


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evening")
    made.build("evening", folder)
    return folder


def test_the_rows_that_ship_follow_from_the_packed_results(table: Path) -> None:
    tables = Tables(table / "tables")
    expected = made.rows(tables).reset_index(drop=True)
    pd.testing.assert_frame_equal(reference(), expected, check_dtype=False)
    assert made.README.read_text(encoding="utf-8").endswith(made.beside_published(tables))


def test_the_tables_page_that_ships_shows_the_same_numbers(table: Path) -> None:
    _assert_same_cells(made.PAGES["table"], table / "pages", "table")


@pytest.mark.slow
def test_the_verdicts_that_ship_follow_from_the_packed_results(evening: Path) -> None:
    expected = made.verdicts(Tables(evening / "tables"))
    assert verdicts().to_dict("records") == expected.to_dict("records")


@pytest.mark.slow
def test_the_evenings_page_that_ships_shows_the_same_numbers(evening: Path) -> None:
    for section in ("table", "study-optimizer"):
        _assert_same_cells(made.PAGES["evening"], evening / "pages", section)


@pytest.mark.slow
def test_no_page_of_the_reference_compares_it_with_itself(table: Path, evening: Path) -> None:
    for folder in (table, evening):
        page = (folder / "pages" / "index.html").read_text(encoding="utf-8")
        assert 'id="claims"' in page
        assert "The reference: " not in page


@pytest.mark.parametrize("part", made.PAGES)
def test_is_small_enough_to_be_committed(part: str) -> None:
    assert made.packed(part).stat().st_size < 5_000_000


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.is_dir(), reason="needs the real MNIST as IDX files: MNIST=folder")
def test_the_graph_still_trains_as_it_did_for_the_reference(tmp_path: Path) -> None:
    """As long as its first evaluation is the same bit for bit, it need not be run again.

    Kernels, which train LeNet-5 now, are held to the graph in `training/test_kernels.py`.
    """
    packed = next(made.unpack("table", tmp_path).rglob("*-bs2-*.json"))
    run = read_result(packed, RunResult)
    there, here = run.environment, environment.versions()
    same = all(there["versions"][name] == here.get(name) for name in LIBRARIES)
    if not same or there["processor"] != processor():
        pytest.skip("bits are compared on the reference's processor and versions alone")
    request = made.plan("table", tmp_path / "requests").download_request("mnist")
    command = [sys.executable, "-m", "tests.docs.first_evaluation", packed, request, MNIST]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    then = run.trials[0].evaluations.model_dump()
    again = json.loads(done.stdout)
    assert again == {name: then[name][0] for name in again}


def _assert_same_cells(shipped: Path, built: Path, section: str) -> None:
    for name in ("index.html", "index.zh.html"):
        there, now = (_cells(folder / name, section) for folder in (shipped, built))
        assert len(there) > 30
        assert there == now


def _cells(page: Path, section: str) -> list[str]:
    """What the cells of a section's tables hold."""
    text = page.read_text(encoding="utf-8").partition(f'id="{section}"')[2].partition("</section>")
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", text[0])
