"""A page of what there is: it says what is missing and touches nothing of the report's."""

from argparse import Namespace
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.stages.partial import make_partial
from tests import synthetic
from tests.report.conftest import request_for
from tests.report.messages_in_use import TEMPLATES

REQUEST = synthetic.example_request(trials=2, epochs=2.0, studies=("batch_size",))


@pytest.fixture
def given(tmp_path: Path) -> Namespace:
    truth = synthetic.Truth(rounds=3, draws=4)
    synthetic.write_results(tmp_path / "results", REQUEST, seed=0, truth=truth)
    asked = {
        "collect": synthetic.collect_request(REQUEST),
        "analyze": REQUEST,
        "render": request_for(["batch_size"]),
    }
    for name, content in asked.items():
        (tmp_path / f"{name}.json").write_text(content.model_dump_json(), encoding="utf-8")
    return Namespace(
        **{f"{name}_request": tmp_path / f"{name}.json" for name in asked},
        results=tmp_path / "results",
        templates=TEMPLATES,
        logs=tmp_path / "logs",
        reports=tmp_path / "reports" / "partial",
    )


def test_what_is_missing_stands_at_the_top_in_both_languages(
    given: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = min(given.results.glob("local/cpu/runs/*.json"))
    lost.unlink()
    make_partial(given)
    assert capsys.readouterr().err.endswith("partial page; planned results missing: 1.\n")
    for name, words in {
        "index.html": ("Partial: this is not the report.", "that are missing: 1; see"),
        "index.zh.html": ("不完整：这不是最终报告。", "计划中缺少的结果：1 个；"),
    }.items():
        html = (given.reports / name).read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
        assert all(part in html for part in (*words, f"<code>{lost.stem}</code>"))
        assert html.count("<figure") >= 5
    assert (given.reports / "tables" / "summary.csv").exists()
    assert [path.name for path in given.reports.parent.iterdir()] == ["partial"]
    assert not (given.results / "tables").exists()


def test_a_page_of_all_results_is_still_no_report(
    given: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    make_partial(given)
    assert capsys.readouterr().err.endswith("partial page; planned results missing: none.\n")
    html = (given.reports / "index.html").read_text(encoding="utf-8")
    assert "All results are there, but the workflow did not come to its end." in html


def test_nothing_to_report_is_one_sentence(given: Namespace) -> None:
    for path in given.results.glob("local/cpu/timings/*.json"):
        path.unlink()
    with pytest.raises(UserError, match="nothing to report"):
        make_partial(given)
    assert not given.reports.exists()
