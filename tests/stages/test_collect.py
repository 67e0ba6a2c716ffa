import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.stages import collect
from tests.synthetic import collect_request, example_request, write_results

REQUEST = example_request(trials=2, epochs=2.0, studies=("momentum",))
TABLES = {"epochs", "trials", "variants", "timings", "subjects", "draws", "layer_norms"}


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    write_results(tmp_path / "results", REQUEST, seed=0)
    asked = tmp_path / "request.json"
    asked.write_text(collect_request(REQUEST).model_dump_json())
    places = ["--results", str(tmp_path / "results"), "--tables", str(tmp_path / "tables")]
    return ["collect", "--request", str(asked), *places, "--logs", str(tmp_path / "logs")]


def test_all_tables_are_written(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    collect.main()
    written = {path.stem for path in (tmp_path / "tables").glob("*.csv")}
    assert written >= TABLES | {"magnitudes", "warnings", "failures"}
    assert (tmp_path / "tables/environment.json").exists()


def test_a_damaged_file_is_one_line_on_stderr_and_nothing_is_written(
    arguments: list[str], tmp_path: Path
) -> None:
    path = min((tmp_path / "results/local/cpu/runs").glob("*.json"))
    path.write_text("{")
    command = [sys.executable, "-m", "batchmark.stages.collect", *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert path.name in done.stderr
    assert not (tmp_path / "tables").exists()


def test_neither_collect_nor_analyze_imports_tensorflow() -> None:
    code = (
        "import sys, batchmark.stages.collect, batchmark.stages.analyze, batchmark.stages.merge;"
        "sys.exit('tensorflow' in sys.modules or 'scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
