"""The reference is what its packed results say."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from benchmarks import reference as made

from batchmark.claims.verdicts import reference as verdicts
from batchmark.contract.record import read_result
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.train import TrainRequest
from batchmark.contract.run import RunResult
from batchmark.report.selection import Tables
from batchmark.statistics.study_data import reference

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
def test_training_still_starts_as_the_reference_did(tmp_path: Path) -> None:
    """As long as its first quarter epoch is the same bit for bit, it need not be run again."""
    results = made.unpack(tmp_path)
    packed = read_result(next(results.rglob("*-bs2-*.json")), RunResult)
    for stage, *options in _commands(tmp_path, packed):
        command = [sys.executable, "-m", f"batchmark.stages.{stage}", *options]
        subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    again = read_result(tmp_path / "again.json", RunResult)
    if again.environment != packed.environment:
        pytest.skip("bits are compared on the reference's processor and versions alone")
    then, now = (run.trials[0].evaluations.model_dump() for run in (packed, again))
    assert now == {name: column[:1] for name, column in then.items()}


def _commands(folder: Path, packed: RunResult) -> Iterator[list[str]]:
    """How the first evaluation of the packed run's first trial is made again."""
    planned = made.plan(folder / "requests")
    data = read_request(Path(planned.download_request("mnist")), DatasetRequest)
    train = read_request(Path(planned.train_request(packed.variant.id, "cpu")), TrainRequest)
    quarter = {"epochs": 0.25, "trials": 1, "first_seed": packed.trials[0].seed}
    asked = {
        "data.json": data.model_copy(update={"path": str(MNIST)}),
        "train.json": train.model_copy(update={"budget": train.budget.model_copy(update=quarter)}),
    }
    for name, request in asked.items():
        (folder / name).write_text(request.model_dump_json(), encoding="utf-8")
    yield ["download", "--request", "data.json", "--npz", "mnist.npz", "--json", "mnist.json"]
    yield [
        *("train", "--request", "train.json", "--dataset", "mnist.npz", "--facts", "mnist.json"),
        *("--checkpoint", "scratch", "--output", "again.json"),
    ]


def _cells(page: Path) -> list[str]:
    """What the cells of the original table hold."""
    table = page.read_text(encoding="utf-8").partition('id="table"')[2].partition("</section>")[0]
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", table)
