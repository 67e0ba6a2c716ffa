import csv
import io
import json
from pathlib import Path

import pytest

from batchmark.collecting import tidy
from batchmark.collecting.tidy import collect
from batchmark.contract.errors import UserError
from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from batchmark.contract.tables import COLLECTED, read_table, write_table
from tests.contract.editing import write_sealed
from tests.synthetic import Truth, collect_request, example_request, write_results

REQUEST = example_request(trials=2, epochs=2.0, studies=("batch_size", "momentum"))
ASKED = collect_request(REQUEST)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results(tmp_path / "results", REQUEST, seed=0)
    return tmp_path / "results"


def test_epoch_lines_hold_every_evaluation(results: Path) -> None:
    path = min((results / "local/cpu/runs").glob("*bs32*.json"))
    run = read_result(path, RunResult)
    text = (tidy.EPOCHS_HEADER + tidy.epoch_lines(run)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2 * 10
    second = rows[11]
    evaluations = run.trials[1].evaluations
    assert second["variant"] == run.variant.id
    assert int(second["seed"]) == 1
    assert float(second["epoch"]) == evaluations.epoch[1]
    assert float(second["validation_accuracy"]) == evaluations.validation_accuracy[1]


def test_a_loss_that_is_not_finite_is_empty(results: Path) -> None:
    path = next((results / "local/cpu/runs").glob("*-bs2-*.json"))
    text = tidy.epoch_lines(read_result(path, RunResult)).decode()
    last = next(csv.reader([text.splitlines()[1]]))
    assert last[7] == ""


def test_every_table_has_its_columns_without_rows(tmp_path: Path) -> None:
    frames = collect(ASKED, tmp_path / "none", tmp_path / "logs", partial=True).frames()
    for name, frame in frames.items():
        write_table(tmp_path, name, frame)
        assert list(read_table(tmp_path, name).columns) == list(COLLECTED[name])


def test_missing_variants_are_an_error_that_lists_them(results: Path) -> None:
    missing = ASKED.variants[2].id
    (results / "local/cpu/runs" / f"{missing}.json").unlink()
    with pytest.raises(UserError, match=rf"1 result files are missing: .*{missing}.*make partial"):
        collect(ASKED, results, results / "logs", partial=False)


def test_a_partial_collection_lists_failures_with_the_end_of_their_log(
    results: Path, tmp_path: Path
) -> None:
    missing = ASKED.variants[2].id
    (results / "local/cpu/runs" / f"{missing}.json").unlink()
    log = tmp_path / "logs/train/cpu" / f"{missing}.log"
    log.parent.mkdir(parents=True)
    log.write_text("\n".join([*(f"line {k}" for k in range(9)), "out of memory"]))
    frames = collect(ASKED, results, tmp_path / "logs", partial=True).frames()
    (failure,) = frames["failures"].to_dict("records")
    assert failure["variant"] == missing
    assert failure["log"].splitlines() == ["line 5", "line 6", "line 7", "line 8", "out of memory"]
    assert len(frames["variants"]) == len(ASKED.variants) - 1


def test_missing_timing_sessions_and_probes_are_listed_too(results: Path, tmp_path: Path) -> None:
    probed = ASKED.probed[0]
    (results / "local/cpu/timings/momentum.json").unlink()
    (results / "local/cpu/gradients" / f"{probed}.json").unlink()
    for name, line in {"time/cpu/momentum": "no memory", f"probe/cpu/{probed}": "killed"}.items():
        log = tmp_path / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True)
        log.write_text(line)
    with pytest.raises(UserError, match="2 result files are missing: local/cpu/timings/momentum"):
        collect(ASKED, results, tmp_path / "logs", partial=False)
    failures = collect(ASKED, results, tmp_path / "logs", partial=True).frames()["failures"]
    listed = failures[["kind", "variant", "studies", "log"]].to_numpy().tolist()
    session, probe = listed
    assert session == ["timings", "", "momentum", "no memory"]
    assert (probe[0], probe[1], probe[3]) == ("gradients", probed, "killed")


def test_a_planned_device_without_results_is_missing(results: Path) -> None:
    asked = collect_request(REQUEST, devices=("cpu", "gpu"))
    with pytest.raises(UserError, match="local/gpu/runs/"):
        collect(asked, results, results / "logs", partial=False)


def test_other_machines_are_included_for_the_variants_they_have(results: Path) -> None:
    write_results(results, REQUEST, seed=1, machine="laptop", device="gpu")
    extra = ASKED.variants[0].id
    (results / "laptop/gpu/runs" / f"{extra}.json").unlink()
    frames = collect(ASKED, results, results / "logs", partial=False).frames()
    laptop = frames["variants"][frames["variants"]["machine"] == "laptop"]
    assert len(laptop) == len(ASKED.variants) - 1
    assert frames["failures"].empty


def test_failed_trials_and_border_rates_raise_warnings(results: Path) -> None:
    path = results / "local/cpu/runs" / f"{ASKED.variants[0].id}.json"
    content = json.loads(path.read_text())
    content["trials"][1] |= {"status": "failed", "message": "out of memory"}
    rates = {"learning_rates": [0.1], "trained_epochs": [1.0], "validation_accuracies": [0.5]}
    content["tuning"] = rates | {"seed": 9, "epochs": 1.0, "chosen": 0.1, "on_border": True}
    write_sealed(path, content)
    warnings = collect(ASKED, results, results / "logs", partial=False).frames()["warnings"]
    assert set(warnings["code"]) == {"rate_on_border", "trial_failed"}


def test_notes_on_the_data_are_warnings_once_a_place(results: Path) -> None:
    note = {"code": "few_validation_images", "subject": "", "text": "4 validation images."}
    for path in results.glob("local/cpu/*/*.json"):
        content = json.loads(path.read_text())
        content["dataset"]["notes"] = [note]
        write_sealed(path, content)
    collected = collect(ASKED, results, results / "logs", partial=False)
    (row,) = collected.rows["warnings"]
    assert (row["code"], row["subject"], row["text"]) == (note["code"], "mnist", note["text"])
    assert "notes" not in collected.environment["local/cpu"]["dataset"]


@pytest.mark.parametrize(
    ("asked", "train_size", "test", "train"),
    [(None, 20_000, 10_000, 10_000), (2000, 20_000, 2000, 2000), (2000, 500, 2000, 500)],
)
def test_errors_count_the_images_that_were_scored(
    results: Path, asked: int | None, train_size: int, test: int, train: int
) -> None:
    run = read_result(next(results.glob("local/cpu/runs/*.json")), RunResult)
    budget = run.budget.model_copy(update={"test_size": asked, "train_size": train_size})
    facts = run.dataset.model_copy(update={"test": 10_000})
    row = tidy.variant_row(run.model_copy(update={"budget": budget, "dataset": facts}), [])
    assert (row["test_size"], row["scored_train_size"]) == (test, train)


def test_the_environment_of_each_place_is_kept(results: Path) -> None:
    write_results(results, REQUEST, seed=1, machine="laptop", truth=Truth(versions={"keras": "1"}))
    environment = collect(ASKED, results, results / "logs", partial=False).environment
    assert environment["laptop/cpu"]["versions"] == {"keras": "1"}
    assert set(environment["local/cpu"]["timings"]) == {"batch_size", "momentum"}
