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

# A network that the graph trains, and one that kernels do, with what their bits depend on.
REPEATED = {
    "graph": ("evening", "lenet_theano-sgd-bs100-*.json", ("tensorflow_cpu", "keras", "numpy")),
    "kernels": ("table", "lenet5-sgd-bs100-*.json", ("keras", "llvmlite", "numpy")),
}
MNIST = Path(os.environ.get("MNIST", Path(__file__).parents[3] / "shared/data/mnist"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    made.build("table", folder)
    return folder


@pytest.fixture(scope="module")
def theano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theano")
    made.build("theano", folder)
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


@pytest.mark.parametrize("part", ["table", "theano"])
def test_page_and_readme_show_the_same_numbers(part: str, request: pytest.FixtureRequest) -> None:
    built: Path = request.getfixturevalue(part)
    _assert_same_cells(made.PAGES[part], built / "pages", "table")
    _, _, behind = made.README.read_text(encoding="utf-8").partition(made.MARK.format(part=part))
    shown = behind.partition("\n\n")[0].rstrip("\n") + "\n"
    assert shown == made.beside_published(Tables(built / "tables"))


def test_seeds_that_ran_alone_are_one_run(tmp_path: Path) -> None:
    whole = _packed_run("table", "lenet5-sgd-bs100-*.json", tmp_path).model_copy(
        update={"digest": ""}
    )
    first, *others = [whole.model_copy(update={"trials": [trial]}) for trial in whole.trials]
    assert len(others) == 2
    assert made.together([*reversed(others), first]) == whole
    other_machine = first.model_copy(update={"environment": {"processor": "another"}})
    with pytest.raises(SystemExit, match="differ in more than their trials"):
        made.together([other_machine, *others])


def test_a_seed_that_ran_twice_must_be_the_same(tmp_path: Path) -> None:
    run = _packed_run("table", "lenet5-sgd-bs100-*.json", tmp_path)
    first, *_ = run.trials
    clock = first.clock.model_copy(update={"seconds": 1e6})
    again = [run.model_copy(update={"trials": [first.model_copy(update={"clock": clock})]}), run]
    assert made.together(again).trials == [*again[0].trials, *run.trials[1:]]
    other = first.model_copy(update={"final_test_accuracy": 0.5})
    with pytest.raises(SystemExit, match=f"seed {first.seed}: two of the folders have records"):
        made.together([run, run.model_copy(update={"trials": [other]})])


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
@pytest.mark.parametrize("way", REPEATED)
def test_training_is_still_that_of_the_reference(way: str, tmp_path: Path) -> None:
    """As long as its first evaluation is the same bit for bit, it need not be run again."""
    part, name, libraries = REPEATED[way]
    run = _packed_run(part, name, tmp_path)
    there, here = run.environment, environment.versions()
    # Kernels give the same bits on every processor with AVX-512 that was tried.
    alike = _has_avx512() if way == "kernels" else there["processor"] == processor()
    if not alike or any(there["versions"][each] != here.get(each) for each in libraries):
        pytest.skip("bits are compared on such a processor and with these versions alone")
    packed = next((tmp_path / "results").rglob(name))
    request = made.plan(part, tmp_path / "requests").download_request("mnist")
    command = [sys.executable, "-m", "tests.docs.first_evaluation", packed, request, MNIST]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    then = run.trials[0].evaluations.model_dump()
    again = json.loads(done.stdout)
    assert again == {name: then[name][0] for name in again}


def _has_avx512() -> bool:
    information = Path("/proc/cpuinfo")
    return information.exists() and "avx512f" in information.read_text(encoding="utf-8")


def _packed_run(part: str, name: str, folder: Path) -> RunResult:
    return read_result(next(made.unpack(part, folder).rglob(name)), RunResult)


def _assert_same_cells(shipped: Path, built: Path, section: str) -> None:
    for name in ("index.html", "index.zh.html"):
        there, now = (_cells(folder / name, section) for folder in (shipped, built))
        assert len(there) > 30
        assert there == now


def _cells(page: Path, section: str) -> list[str]:
    """What the cells of a section's tables hold."""
    text = page.read_text(encoding="utf-8").partition(f'id="{section}"')[2].partition("</section>")
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", text[0])
