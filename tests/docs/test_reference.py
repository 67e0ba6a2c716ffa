"""The reference is what its packed results say."""

import json
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
from batchmark.report.selection import Tables
from batchmark.statistics.study_data import reference

LIBRARIES = ("tensorflow_cpu", "keras", "numpy")
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    made.build(made.unpack(folder), folder)
    return folder


def test_the_tables_that_ship_follow_from_the_packed_results(built: Path) -> None:
    tables = Tables(built / "tables")
    expected = made.rows(tables).reset_index(drop=True)
    pd.testing.assert_frame_equal(reference(), expected, check_dtype=False)
    assert verdicts().to_dict("records") == made.verdicts(tables).to_dict("records")
    assert made.README.read_text(encoding="utf-8").endswith(made.beside_published(expected))


def test_the_page_that_ships_shows_the_same_numbers(built: Path) -> None:
    for name in ("index.html", "index.zh.html"):
        there, now = (_cells(folder / name) for folder in (made.PAGE, built / "pages"))
        assert len(there) > 30
        assert there == now


def test_is_small_enough_to_be_committed() -> None:
    assert made.PACKED.stat().st_size < 5_000_000


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.is_dir(), reason="needs the real MNIST")
def test_the_graph_still_trains_as_it_did_for_the_reference(tmp_path: Path) -> None:
    """As long as its first evaluation is the same bit for bit, it need not be run again.

    Kernels, which train LeNet-5 now, are held to the graph in `training/test_kernels.py`.
    """
    packed = next(made.unpack(tmp_path).rglob("*-bs2-*.json"))
    request = made.plan(tmp_path / "requests").download_request("mnist")
    command = [sys.executable, "-m", "tests.docs.first_evaluation", packed, request, MNIST]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    again = json.loads(done.stdout)
    run = read_result(packed, RunResult)
    there, here = run.environment, again.pop("environment")
    same = all(there["versions"][name] == here["versions"].get(name) for name in LIBRARIES)
    if not same or there["processor"] != here["processor"]:
        pytest.skip("bits are compared on the reference's processor and versions alone")
    then = run.trials[0].evaluations.model_dump()
    assert again == {name: then[name][0] for name in again}


def _cells(page: Path) -> list[str]:
    """What the cells of the original table hold."""
    table = page.read_text(encoding="utf-8").partition('id="table"')[2].partition("</section>")[0]
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", table)
