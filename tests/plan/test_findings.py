"""What finished jobs are called and found, on result files written by hand."""

from pathlib import Path
from typing import Any

import pytest

from batchmark.contract.record import write_result
from batchmark.contract.run import RunResult
from batchmark.plan.findings import finding, label
from tests.plan.conftest import CONFIG, STUDY, OpenPlan

GRIDS = {"grids": [{"batch_size": [10, 100], "momentum": [0.0, 0.9], "nesterov": [False]}]}


def _trial(seed: int, *accuracies: float | None, status: str = "done") -> dict[str, Any]:
    """Evaluated every half epoch."""
    n = len(accuracies)
    return {
        "seed": seed, "status": status, "learning_rate": 0.1, "best_evaluation": None,
        "test_accuracy_at_best": None, "final_test_accuracy": None, "final_train_accuracy": None,
        "small_weight_share": None, "gradient_norms": {},
        "clock": {"started": "2024-01-01T00:00:00+00:00", "seconds": 1.0},
        "evaluations": {
            "examples": [100 * i for i in range(1, n + 1)],
            "steps": [10 * i for i in range(1, n + 1)],
            "epoch": [i / 2 for i in range(1, n + 1)],
            "validation_accuracy": list(accuracies),
            "accuracy": [0.5] * n,
            **dict.fromkeys(("loss", "loss_spread", "validation_loss"), [None] * n),
        },
    }  # fmt: skip


MISSED = _trial(2, 0.5, None, 0.97)
LOST = [_trial(seed, 0.1, status="diverged") for seed in (0, 1)]


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        # Seen at 0.5, 1.0 and never: the median was crossed between 0.5 and 1.
        ([_trial(0, 0.98), _trial(1, None, 0.99), MISSED], "98 % after 0.75 epochs"),
        # Seen at the first look, of which no earlier one is known.
        ([_trial(0, 0.98), _trial(1, 0.99), MISSED], "98 % after 0.5 epochs"),
        ([_trial(0, 0.98), MISSED], "98 % not reached within 3 epochs"),
        (LOST, "diverged"),
        ([_trial(0, 0.1, status="not_learning")], "stayed at chance"),
    ],
)
def test_a_run_says_when_it_reached_the_target(
    plan_of: OpenPlan, tmp_path: Path, trials: list[dict[str, Any]], words: str
) -> None:
    plan = plan_of()
    id_, variant = next(iter(plan.variants.items()))
    content = {
        "variant": {"id": id_, "hyperparameters": variant.hyperparameters},
        "machine": "local", "device": "cpu", "environment": {}, "trials": trials,
        "dataset": {
            "name": "mnist", "digest": "0", "train": 500, "validation": 50, "test": 50,
            "image_shape": (28, 28, 1), "classes": 10,
        },
        "budget": {
            "epochs": 3.0, "evaluate_every": 100, "steps_per_epoch": 20, "examples_per_epoch": 200,
            "train_size": 200, "batch_size": 10, "not_learning_after": 2.0, "parameters": 1,
        },
    }  # fmt: skip
    path = tmp_path / "run.json"
    write_result(path, RunResult.model_validate(content))
    assert finding(plan, "train", path) == words
    own = plan_of({**CONFIG, "studies": {"first": {"targets": {"mnist": [0.999]}}}})
    if trials[0]["status"] == "done":
        assert finding(own, "train", path) == "99.9 % not reached within 3 epochs"


def test_a_file_that_is_damaged_or_elsewhere_says_nothing(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text("{")
    assert finding(plan_of(), "train", tmp_path / "run.json") == ""
    assert finding(plan_of(), "time", tmp_path / "none.json") == ""
    assert finding(plan_of(), "plot", tmp_path / "run.json") == ""


def test_a_job_is_called_by_what_is_unusual_about_it(plan_of: OpenPlan) -> None:
    plan = plan_of(None, first={**STUDY, **GRIDS, "baseline": {"batch_size": 100, "momentum": 0.0}})
    names = [label(plan, "train", {"variant": id_}) for id_ in plan.variants]
    assert names == [
        "sgd, batch 10", "sgd, batch 10, momentum 0.9",
        "sgd, batch 100", "sgd, batch 100, momentum 0.9",
    ]  # fmt: skip
    assert label(plan, "probe", {"variant": next(iter(plan.variants))}) == (
        "gradients of sgd, batch 10"
    )
    assert label(plan, "time", {"study": "batch_size"}) == "timing of batch size"
    assert label(plan, "download", {"dataset": "mnist"}) == "download"
