from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.errors import UserError
from batchmark.publishing.summary import headline, report_name, summarize
from tests.publishing.example import ANSWER, VARIANT, write_project


def test_a_report_is_summarized(tmp_path: Path) -> None:
    write_project(tmp_path)
    summary = summarize(tmp_path / "reports/index.html", tmp_path / "results")
    assert (summary.date, summary.machines) == ("2026-11-23", ["local"])
    assert summary.datasets == {"mnist": "d" * 64}
    assert summary.answer == ANSWER
    assert summary.variants == [
        {"variant": VARIANT, "batch_size": 32, "seconds_per_epoch": 1.5, "status": "done"},
        {"variant": "other", "batch_size": 64, "seconds_per_epoch": None, "status": "not_learning"},
    ]
    assert report_name(summary) == f"2026-11-23-local-{summary.page[:8]}"


@pytest.mark.parametrize("name", ["2024", "007", "1e5", "nan", "null", "inf"])
def test_a_name_that_looks_like_a_number_is_text(tmp_path: Path, name: str) -> None:
    write_project(tmp_path)
    (tmp_path / "results/tables/summary.csv").write_text(f"machine,batch_size\n{name},032\n")
    (row,) = summarize(tmp_path / "reports/index.html", tmp_path / "results").variants
    assert row == {"machine": name, "batch_size": 32}


@pytest.mark.parametrize("started", ["../../../etc/x", "yesterday", ""])
def test_a_date_that_is_none_never_names_a_folder(tmp_path: Path, started: str) -> None:
    write_project(tmp_path, started=started)
    with pytest.raises(UserError, match="no finished runs"):
        summarize(tmp_path / "reports/index.html", tmp_path / "results")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ANSWER, "64 (41–96)"),
        ({"best_batch_size": 64}, "64"),
        ({"best_batch_size": 64, "decided": False}, "not decided"),
        (ANSWER | {"decided": False}, "between 41 and 96"),
        ({}, "not decided"),
        ({"best_batch_size": "<script>"}, "not decided"),
        ({"best_batch_size": 10**400}, "not decided"),
        ({"best_batch_size": float("nan")}, "not decided"),
    ],
)
def test_the_headline_is_honest(answer: dict[str, Any], words: str) -> None:
    assert headline(answer) == words
