import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.gradients import GradientResult
from batchmark.contract.record import read_result
from batchmark.contract.timing import TimingResult
from batchmark.report.language.messages import seconds
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
        *("--variants", *variants(results)),
    ]


def variants(results: Path) -> list[str]:
    """Of the timed graphs: they differ in their sizes and rates alone."""
    session = read_result(results / "timings" / "learning_rate.json", TimingResult)
    return [id_ for subject in session.subjects for id_ in subject.variants]


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
        noise
        * factors(calibration(), noise, "sgd")[0]
        * truth.seconds_per_step
        / truth.seconds_per_example
    ) ** 0.5
    assert loop["predicted_batch_size"] == pytest.approx(expected, rel=0.15)
    assert loop["batch_size"] == round(loop["predicted_batch_size"])
    step, example = (
        "{} ({} to {})".format(*(seconds(loop[f"{name}{end}"], 2) for end in ("", "_low", "_high")))
        for name in ("o", "c")
    )
    costs = f"In batchmark's graph a step costs {step} and an example {example}: batch size "
    assert [line.startswith(costs) for line in lines].count(True) == 1
    # The scan found the sixth of its rates best at 128.
    assert facts["basis"]["rate"] == pytest.approx(0.001 * 10 ** (15 / 8))
    assert facts["basis"]["rate_at"] == 128
    english, chinese = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("quick.html", "quick.zh.html")
    )
    assert "Predicted, not measured" in english
    assert "预测而非实测" in chinese


def raced(results: Path) -> list[Path]:
    """Of three sizes the runs whose rates are tuned, the largest last."""
    return [
        file
        for size in (32, 128, 512)
        for file in (results / "runs").glob(f"lenet5-sgd-bs{size}-*.json")
        if '"tuned"' in file.read_text()
    ]


def test_a_race_of_three_sizes_narrows_the_prediction(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = []
    for name, files in (("one", raced(results)[1:2]), ("three", raced(results))):
        runs = [word for file in files for word in ("--run", str(file))]
        given = command(results, tmp_path / name)
        at = given.index("--run")
        monkeypatch.setattr("sys.argv", [*given[:at], *runs, *given[at + 2 :]])
        quick.main()
        documents.append(json.loads((tmp_path / name / "quick.json").read_text(encoding="utf-8")))
    one, three = documents
    assert one["basis"]["raced"] is None
    # The synthetic losses are looked at once in a fifth of an epoch.
    assert 1 / 2 < three["basis"]["raced"] / Truth().critical_batch < 2
    # The rate is known where gradients were probed.
    assert (one["basis"]["rate_at"], three["basis"]["rate_at"]) == (128, 32)
    wide, narrow = (
        loop["predicted_batch_size_high"] / loop["predicted_batch_size_low"]
        for document in documents
        for loop in document["loops"]
    )
    assert narrow < wide
    words = {"quick.html": "Sizes 32, 128, 512 raced", "quick.zh.html": "竞逐同一损失"}
    for page, sentence in words.items():
        assert sentence in (tmp_path / "three" / page).read_text(encoding="utf-8")
        assert sentence not in (tmp_path / "one" / page).read_text(encoding="utf-8")


def beside(session: TimingResult, name: str, **changed: Any) -> TimingResult:
    """The session with ten times slower copies of its subjects under other names."""
    subjects = [each for each in session.subjects if each.role == "subject"]
    copies = [each.model_copy(update={"id": f"{each.id}{name}", **changed}) for each in subjects]
    names = {each.id for each in subjects}
    visits = [
        each.model_copy(
            update={"subject": f"{each.subject}{name}", "elapsed_ns": each.elapsed_ns * 10}
        )
        for each in session.visits
        if each.subject in names
    ]
    update = {"subjects": session.subjects + copies, "visits": session.visits + visits}
    return session.model_copy(update=update)


@pytest.mark.parametrize(
    ("name", "changed"),
    [("-of-another-model", {"variants": ["another"]}), (".threads1", {"threads": 0})],
)
def test_neither_models_nor_threads_are_pooled(
    results: Path, name: str, changed: dict[str, Any]
) -> None:
    session = read_result(results / "timings" / "learning_rate.json", TimingResult)
    (probe,) = (results / "gradients").glob("*.json")
    gradients = read_result(probe, GradientResult)
    alone, _ = quick.predict(session, gradients, [], variants(results))
    pooled = beside(session, name, **changed)
    among, _ = quick.predict(pooled, gradients, [], variants(results))
    pd.testing.assert_frame_equal(alone, among)


def test_without_gradients_there_is_no_prediction(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", command(results, tmp_path, probed=False))
    with pytest.raises(UserError, match=r"learning_rate: no variant is probed.*under `probe`"):
        quick.main()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("points", [0, 1])
def test_gradients_that_are_not_finite_are_one_sentence(results: Path, points: int) -> None:
    session = read_result(results / "timings" / "learning_rate.json", TimingResult)
    (probe,) = (results / "gradients").glob("*.json")
    gradients = read_result(probe, GradientResult)
    # A probe of what diverges ends there.
    ended = [
        trial.model_copy(update={"points": trial.points[:points]}) for trial in gradients.trials
    ]
    diverged = gradients.model_copy(update={"trials": ended})
    with pytest.raises(UserError, match=r"^variant .* are not finite .* learning rate\.$"):
        quick.predict(session, diverged, [], variants(results))
