import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.tables import ANALYZED_FILES, COLLECTED_FILES, JUDGED_FILES, TABLES
from batchmark.stages import analyze, collect, judge
from tests.synthetic import collect_request, example_request, write_results

REQUEST = example_request(trials=2, epochs=3.0, studies=("batch_size", "optimizer"))


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stages and what they wrote; copy it before changing it."""
    folder = tmp_path_factory.mktemp("analyzed")
    write_results(folder / "results", REQUEST, seed=0)
    asked = {"collect": collect_request(REQUEST), "analyze": REQUEST, "judge": REQUEST}
    for stage, request in asked.items():
        (folder / f"{stage}.json").write_text(request.model_dump_json())
    results = ["--results", str(folder / "results"), "--logs", str(folder / "logs")]
    with pytest.MonkeyPatch.context() as patch:
        for stage, extra in ((collect, results), (analyze, []), (judge, [])):
            patch.setattr(sys, "argv", _command(stage, folder) + extra)
            stage.main()
    return folder


@pytest.fixture
def tables(analyzed: Path, tmp_path: Path) -> Path:
    shutil.copytree(analyzed, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tables"


def _command(stage: ModuleType, folder: Path) -> list[str]:
    name = stage.__name__.rpartition(".")[2]
    return [name, "--request", str(folder / f"{name}.json"), "--tables", str(folder / "tables")]


def test_the_contract_files_are_written(tables: Path) -> None:
    for name, columns in TABLES.items():
        frame = pd.read_csv(tables / f"{name}.csv")
        assert list(frame.columns) == list(columns)
        assert len(frame) or name in ("warnings", "failures", "draws", "layer_norms", "magnitudes",
                                      "probes", "noise_scale", "lone_runs", "product",
                                      "loops", "loop_sizes")  # fmt: skip
    assert json.loads((tables / "answer.json").read_text())["study"] == "batch_size"


def test_the_workflow_knows_every_table(tables: Path) -> None:
    written = {path.name for path in tables.iterdir()}
    assert written == {*COLLECTED_FILES, *ANALYZED_FILES, *JUDGED_FILES}


def test_analyzing_twice_gives_the_same_tables(tables: Path) -> None:
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    analyze.analyze_tables(REQUEST, tables)
    judge.judge_claims(REQUEST, tables)
    assert before == {path.name: path.read_bytes() for path in tables.iterdir()}


@pytest.mark.parametrize("stage", [analyze, judge])
@pytest.mark.parametrize("name", ["trials.csv", "epochs.csv", "environment.json"])
def test_an_edited_table_is_refused_by_name(
    tables: Path, monkeypatch: pytest.MonkeyPatch, stage: ModuleType, name: str
) -> None:
    path = tables / name
    path.write_text(path.read_text().replace("0", "1", 1))
    monkeypatch.setattr(sys, "argv", _command(stage, tables.parent))
    with pytest.raises(UserError, match=rf"tables/{name} is refused: edited .* Delete the file"):
        stage.main()
    path.unlink()
    with pytest.raises(UserError, match=rf"tables/{name} is refused"):
        stage.main()


def test_without_collected_tables_the_error_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the collect stage again"):
        analyze.analyze_tables(REQUEST, tmp_path)
