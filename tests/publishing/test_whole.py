from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.record import write_result
from batchmark.publishing.summary import refuse_other_results
from tests.publishing.example import VARIANT, run, write_project


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path / "reports" / "index.html"


def _run_file(page: Path) -> Path:
    return page.parents[1] / f"results/local/cpu/runs/{VARIANT}.json"


def test_the_report_of_the_results_is_accepted(page: Path, tmp_path: Path) -> None:
    refuse_other_results(page, tmp_path / "results")


def test_a_page_that_names_no_results_is_refused(page: Path, tmp_path: Path) -> None:
    page.write_text("<!doctype html><p>Partial</p>")
    with pytest.raises(UserError, match="not the whole report of the results"):
        refuse_other_results(page, tmp_path / "results")


def test_tables_made_since_are_refused(page: Path, tmp_path: Path) -> None:
    listing = tmp_path / "results" / "tables" / "results.csv"
    listing.write_text(listing.read_text() + "local/cpu/runs/other.json,0\n")
    with pytest.raises(UserError, match="not the whole report of the results"):
        refuse_other_results(page, tmp_path / "results")


def test_a_result_that_is_gone_or_made_anew_is_refused(page: Path, tmp_path: Path) -> None:
    write_result(_run_file(page), run(message="made anew"))
    for _ in range(2):
        with pytest.raises(UserError, match=rf"{VARIANT}.json is not what .* or gone"):
            refuse_other_results(page, tmp_path / "results")
        _run_file(page).unlink(missing_ok=True)
