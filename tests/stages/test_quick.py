import json
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.stages import quick
from batchmark.statistics.prediction import calibration, factors
from tests.synthetic import Truth, example_request, write_results

TEMPLATES = Path(__file__).parents[2] / "workflow" / "report"
FEWEST_LINES = 5


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    write_results(folder, example_request(studies=("learning_rate", "optimizer")), 0)
    return folder / "local" / "cpu"


def command(results: Path, reports: Path, *, probed: bool = True) -> list[str]:
    (probe,) = (results / "gradients").glob("*.json")
    tuned = next(
        p for p in sorted((results / "runs").glob("*sgd-bs128*.json")) if '"tuned"' in p.read_text()
    )
    return [
        *("quick", "--timing", str(results / "timings" / "learning_rate.json")),
        *("--gradients", *([str(probe)] if probed else [])),
        *("--run", str(tuned), "--templates", str(TEMPLATES), "--reports", str(reports)),
    ]


def test_a_session_a_probe_and_a_scan_make_a_prediction(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", command(results, tmp_path))
    quick.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Predicted, not measured: batch size ")
    assert FEWEST_LINES < len(lines) <= 10
    facts = json.loads((tmp_path / "quick.json").read_text(encoding="utf-8"))
    (loop,) = facts["loops"]
    truth = Truth()
    # After the start it is once and then five times that of one image: the geometric mean.
    noise = truth.gradient_variance / truth.gradient_squared * 5**0.5
    expected = (
        noise * factors(calibration())[0] * truth.seconds_per_step / truth.seconds_per_example
    ) ** 0.5
    assert loop["predicted_batch_size"] == pytest.approx(expected, rel=0.15)
    assert loop["batch_size"] == round(loop["predicted_batch_size"])
    # The scan found the sixth of its rates best at 128.
    assert facts["basis"]["rate"] == pytest.approx(0.001 * 10 ** (15 / 8))
    assert facts["basis"]["rate_at"] == 128
    english, chinese = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("quick.html", "quick.zh.html")
    )
    assert "Predicted, not measured" in english
    assert "预测而非实测" in chinese


def test_without_gradients_there_is_no_prediction(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", command(results, tmp_path, probed=False))
    with pytest.raises(UserError, match=r"learning_rate: no variant is probed.*under `probe`"):
        quick.main()
    assert list(tmp_path.iterdir()) == []
