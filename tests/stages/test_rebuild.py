from argparse import Namespace
from pathlib import Path

from batchmark.stages.rebuild import rebuild
from tests import synthetic
from tests.report.conftest import request_for
from tests.report.messages_in_use import TEMPLATES


def test_makes_the_report_from_raw_results_alone(tmp_path: Path) -> None:
    request = synthetic.example_request(trials=2, epochs=2.0, studies=("batch_size",))
    truth = synthetic.Truth(rounds=3, draws=4)
    synthetic.write_results(tmp_path / "results", request, seed=0, truth=truth)
    asked = {
        "collect": synthetic.collect_request(request),
        "analyze": request,
        "render": request_for(["batch_size"]),
    }
    for name, content in asked.items():
        (tmp_path / f"{name}.json").write_text(content.model_dump_json(), encoding="utf-8")
    rebuild(
        Namespace(
            collect_request=tmp_path / "collect.json",
            analyze_request=tmp_path / "analyze.json",
            render_request=tmp_path / "render.json",
            results=tmp_path / "results",
            tables=tmp_path / "tables",
            figures=tmp_path / "figures",
            templates=TEMPLATES,
            reports=tmp_path / "reports",
            logs=tmp_path / "logs",
            mark=tmp_path / "mark",
            partial=False,
        )
    )
    html = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert html.count("<figure") >= 5
    assert (tmp_path / "tables" / "summary.csv").exists()
    assert (tmp_path / "mark").read_text()
