"""Whole runs of the tiny model: statuses, checkpoints, tuning, errors."""

import dataclasses
import shutil
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.train import Racing, TrainRequest
from batchmark.contract.run import Race, RunResult
from batchmark.dataset.arrays import Dataset
from batchmark.training import trial
from batchmark.training.model import build_model
from batchmark.training.run import Scratch, run
from batchmark.training.session import Session
from tests.training.tiny import dataset, request, without_clock

Train = Callable[..., RunResult]
OWN = "tests.training.own_models"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch", seconds=0.0)


@pytest.fixture
def train(scratch: Scratch) -> Train:
    """Run a request on the tiny data, checkpoints in this test's own folder."""

    def run_(asked: TrainRequest, data: Dataset | None = None) -> RunResult:
        return run(asked, data or dataset(), scratch)

    return run_


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path]:
    """A run of the first request that there is, and the folder of its checkpoints."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(request(), dataset(), Scratch(folder, seconds=0.0)), folder


def test_a_run_records_its_trials(train: Train) -> None:
    result = train(request(momentum=0.9, batch_size=20))
    assert (result.budget.steps_per_epoch, result.budget.examples_per_epoch) == (4, 80)
    assert [trial.seed for trial in result.trials] == [1, 2]
    trial = result.trials[0]
    assert trial.status == "done"
    assert trial.evaluations.steps == [4, 8, 12]
    assert trial.evaluations.epoch == [1.0, 2.0, 3.0]
    assert trial.learning_rate == 0.1
    assert set(trial.gradient_norms) == {"conv", "hidden", "logits"}
    best = trial.evaluations.validation_accuracy[trial.best_evaluation or 0]
    accuracies = [each for each in trial.evaluations.validation_accuracy if each is not None]
    assert best == max(accuracies) > 0.6
    assert result.environment["switches"]["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_a_model_of_ours_is_built_once_a_trial(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second trial begins as a run that begins with it."""
    built: list[int] = []

    def build(*arguments: Any, **reset: bool) -> Any:
        built.append(arguments[-1])
        return build_model(*arguments, **reset)

    monkeypatch.setattr("batchmark.training.session.build_model", build)
    chosen: dict[str, Any] = {"model": "lenet5", "normalization": "batch"}
    both = train(request({"epochs": 1.0}, **chosen), dataset(side=16))
    assert built == [1, 2]
    alone = request({"epochs": 1.0, "trials": 1, "first_seed": 2}, **chosen)
    second = run(alone, dataset(side=16), Scratch(tmp_path / "alone", 0.0))
    assert without_clock(second)["trials"] == without_clock(both)["trials"][1:]


def test_the_first_validation_images_are_scored_where_fewer_are_asked_for(
    train: Train, tmp_path: Path
) -> None:
    few = train(request({"validation_images": 7}))
    whole = dataset()
    images, labels = whole.validation_images[:7], whole.validation_labels[:7]
    cut = dataclasses.replace(whole, validation_images=images, validation_labels=labels)
    # Elsewhere, or it would go on from the other's checkpoints.
    alone = run(request(), cut, Scratch(tmp_path / "alone", seconds=0.0))
    assert few.budget.validation_size == 7 < len(whole.validation_images)
    for mine, theirs in zip(few.trials, alone.trials, strict=True):
        assert mine.evaluations == theirs.evaluations


def test_as_many_test_and_training_images_are_scored_at_the_end_as_are_asked_for(
    train: Train, undisturbed: tuple[RunResult, Path], tmp_path: Path
) -> None:
    few, all_ = train(request({"test_images": 7})), undisturbed[0]
    whole = dataset()
    test = {"test_images": whole.test_images[:7], "test_labels": whole.test_labels[:7]}
    cut = run(request(), dataclasses.replace(whole, **test), Scratch(tmp_path / "cut", 0.0))
    assert (few.budget.test_size, all_.budget.test_size) == (7, None)
    for mine, theirs, full in zip(few.trials, cut.trials, all_.trials, strict=True):
        assert mine.evaluations == theirs.evaluations == full.evaluations
        assert mine.final_test_accuracy == theirs.final_test_accuracy
        assert mine.test_accuracy_at_best == theirs.test_accuracy_at_best
        # Sevenths of the first seven; all 96 are scored where nothing is asked for.
        assert round(7 * (mine.final_train_accuracy or 0), 9) % 1 == 0
        assert round(96 * (full.final_train_accuracy or 0), 9) % 1 == 0
    assert few.trials[0].final_train_accuracy != all_.trials[0].final_train_accuracy


def test_test_accuracy_at_best_is_of_the_best_weights(train: Train) -> None:
    long = train(request({"epochs": 4.0, "trials": 1}, learning_rate=1.5))
    best = long.trials[0].evaluations.epoch[long.trials[0].best_evaluation or 0]
    short = train(request({"epochs": best, "trials": 1}, learning_rate=1.5))
    assert long.trials[0].test_accuracy_at_best == short.trials[0].final_test_accuracy


@pytest.mark.parametrize(
    ("rate", "recorded"), [(1e30, 1e30), (1e39, None)], ids=["huge", "beyond float32"]
)
def test_a_loss_that_is_not_finite_ends_as_diverged(
    train: Train, rate: float, recorded: float | None
) -> None:
    result = train(request({"trials": 1}, learning_rate=rate, activation="relu"))
    assert result.trials[0].learning_rate == recorded
    assert result.trials[0].status == "diverged"
    assert result.trials[0].evaluations.loss[-1] is None
    assert "not finite" in result.trials[0].message


def test_rprop_bounds_a_rate_that_float32_cannot_hold(train: Train) -> None:
    budget = {"trials": 1, "epochs": 1.0}
    result = train(request(budget, optimizer="rprop", learning_rate=1e39, batch_size="full"))
    assert (result.trials[0].status, result.trials[0].learning_rate) == ("done", None)


@pytest.mark.parametrize(
    ("batch_size", "epoch"),
    [(1, 2.0), (8, 9.0)],  # 96 steps an epoch: as configured; 12: until there are 100 steps
)
def test_chance_level_for_long_enough_ends_as_not_learning(
    train: Train, batch_size: int, epoch: float
) -> None:
    asked = request({"trials": 1, "epochs": 20.0}, learning_rate=1e-12, batch_size=batch_size)
    (trial,) = train(asked).trials
    assert (trial.status, trial.evaluations.epoch[-1]) == ("not_learning", epoch)
    assert f"({trial.evaluations.steps[-1]} steps)" in trial.message


def test_a_batch_larger_than_the_training_set_is_recorded_as_oversized(train: Train) -> None:
    result = train(request(batch_size=97))
    assert [trial.status for trial in result.trials] == ["oversized", "oversized"]
    assert result.budget.steps_per_epoch == 0
    assert result.trials[0].evaluations.steps == []


def test_a_training_set_smaller_than_asked_for_is_recorded(train: Train) -> None:
    short = {"trials": 1, "epochs": 1.0}
    (fewer,) = train(request(short, train_size=97)).warnings
    assert fewer.code == "fewer_images"
    assert fewer.text == "train_size is 97, but there are only 96 training images."
    assert train(request(short, train_size=96)).warnings == []


def test_full_sizes_are_resolved_by_the_data(train: Train) -> None:
    budget = {"trials": 1, "not_learning_after": 9.0}
    result = train(request(budget, batch_size="full", train_size=50))
    assert (result.budget.batch_size, result.budget.train_size) == (50, 50)
    assert result.trials[0].evaluations.steps == [1, 2, 3]


def sample() -> Dataset:
    """The tiny data under the name of the sample: 96 images in the place of MNIST's 50,000."""
    made = dataset()
    return dataclasses.replace(made, facts=made.facts.model_copy(update={"name": "sample"}))


@pytest.mark.parametrize(
    ("train_size", "epochs"),
    [
        ("full", 3.0),  # 50,000 asked for: as many times as allowed
        (120, 2.5),  # as many steps as with 120 images, a quarter more epochs
        (96, 2.0),  # what it asks for is there
        (48, 2.0),
    ],
)
def test_the_sample_is_given_more_epochs_where_it_falls_short(
    train_size: int | Literal["full"], epochs: float
) -> None:
    budget = request({"epochs": 2.0, "sample_epochs_times": 1.5}).budget
    assert budget.on_sample(96, train_size).epochs == epochs


@pytest.mark.parametrize(
    ("every", "train_size", "images"),
    [
        (24, 48, 24),  # both have 48 images
        (96, 192, 48),  # twice an epoch of 192 where there are 96
        (3, "full", 1),  # never less than an image
    ],
)
def test_the_sample_is_evaluated_as_often_an_epoch(
    every: int, train_size: int | Literal["full"], images: int
) -> None:
    budget = request({"evaluate_every": every}).budget
    assert budget.on_sample(96, train_size).evaluate_every == images


def test_a_run_on_the_sample_has_the_budget_for_it(train: Train) -> None:
    """Four times an epoch of 50,000 images are four times an epoch of 96."""
    budget = {"epochs": 0.1, "trials": 1, "evaluate_every": 12_500, "sample_epochs_times": 2.0}
    used = train(request(budget), sample()).budget
    assert (used.evaluate_every, used.epochs) == (24, 0.2)


def test_more_epochs_continue_from_the_finished_run(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes: dict[str, Any] = {"dropout": 0.4, "normalization": "batch", "batch_size": 7}
    changes |= {"optimizer": "adam", "learning_rate": 0.01}
    train(request({"epochs": 1.5, "trials": 1}, **changes))
    capsys.readouterr()
    longer = request({"epochs": 3.0, "trials": 2}, **changes)
    continued = train(longer)
    assert "trial-1: epoch 1," not in capsys.readouterr().err
    fresh = run(longer, dataset(), Scratch(tmp_path / "b", 99.0))
    assert without_clock(continued) == without_clock(fresh)


def racing(most: int, target: float = 0.8, precision: float = 0.01) -> Racing:
    return Racing(trials_at_most=most, precision=precision, targets={"tiny": [target]})


FINE = {"epochs": 4.0, "evaluate_every": 24}
RACE = request({**FINE, "trials": 2}, racing=racing(4, 0.9))


def test_added_seeds_say_the_same_of_the_target_as_complete_ones(train: Train) -> None:
    target = 0.9
    raced = train(request({**FINE, "trials": 2}, racing=racing(6, target)))
    assert raced.race == Race(trials=2, trials_at_most=6, precision=0.01, targets=[target])
    complete = train(request({**FINE, "trials": 6})).trials
    assert len(raced.trials) == 6
    assert [trial.targets for trial in raced.trials] == [[]] * 2 + [[target]] * 4
    for one, other in zip(raced.trials[2:], complete[2:], strict=True):
        accuracies = other.evaluations.validation_accuracy
        count = len(one.evaluations.epoch)
        assert one.evaluations.loss == other.evaluations.loss[:count]
        # The first is of all images, to know which are hard.
        seen = [a if (a or 0) >= target else None for a in accuracies[1:count]]
        assert one.evaluations.validation_accuracy == [accuracies[0], *seen]
        # It ends with the first two in a row, and with its budget where there are none.
        hits = [a is not None and a >= target for a in accuracies]
        pairs = [n + 1 for n in range(1, len(hits)) if hits[n - 1] and hits[n]]
        assert count == min([*pairs, len(hits)])
        assert one.final_test_accuracy is None
    assert {len(trial.evaluations.epoch) for trial in raced.trials[2:]} != {16}


def test_a_raised_number_of_seeds_adds_to_those_there_are(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(request({**FINE, "trials": 2}, racing=racing(4)))
    capsys.readouterr()
    more = train(request({**FINE, "trials": 2, "epochs": 5.0}, racing=racing(6)))
    log = capsys.readouterr().err
    assert "trial-5: " in log
    assert "trial-3: " not in log  # confirmed: neither trained nor evaluated again
    assert "trial-1: epoch 1," not in log
    fresh = run(
        request({**FINE, "trials": 2, "epochs": 5.0}, racing=racing(6)),
        dataset(),
        Scratch(tmp_path / "b", 99.0),
    )
    assert without_clock(more) == without_clock(fresh)


@pytest.fixture(scope="module")
def undisturbed_race(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run(RACE, dataset(), Scratch(tmp_path_factory.mktemp("race"), 99.0))


@pytest.mark.parametrize("calls", [3, 20, 36])
def test_a_killed_race_goes_on_as_if_nothing_had_been(
    train: Train, undisturbed_race: RunResult, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Killed after some writes of checkpoints, in one of the first seeds or an added one."""
    save, left = trial.Checkpoint.save, iter(range(calls))

    def killed(*arguments: Any) -> None:
        save(*arguments)
        if next(left, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(trial.Checkpoint, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        train(RACE)
    monkeypatch.undo()
    assert without_clock(train(RACE)) == without_clock(undisturbed_race)


def test_a_run_that_never_reaches_its_target_adds_no_seed(train: Train) -> None:
    result = train(request({"trials": 2, "epochs": 1.0}, racing=racing(9, 0.999)))
    assert len(result.trials) == 2
    assert result.race is not None


def test_seeds_end_when_the_target_is_known_well_enough(train: Train) -> None:
    """The precision of the whole world is enough: five seeds say so, the sixth is not asked."""
    result = train(request({**FINE, "trials": 2}, racing=racing(9, 0.5, precision=10.0)))
    assert len(result.trials) == 6


def test_other_intervals_and_patience_go_on_from_what_they_agree_with(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first epoch is evaluated in quarters by both."""
    early = {"epochs": 1.0, "evaluate_every": 24, "not_learning_after": 1.0, "trials": 1}
    later = {**early, "epochs": 3.0, "evaluate_finely": 1.0, "not_learning_after": 2.0}
    train(request(early))
    capsys.readouterr()
    continued = train(request(later))
    assert "epoch 0.5," not in capsys.readouterr().err
    assert continued.trials[0].evaluations.epoch == [0.25, 0.5, 0.75, 1.0, 2.0, 3.0]
    fresh = run(request(later), dataset(), Scratch(tmp_path / "b", 99.0))
    assert without_clock(continued) == without_clock(fresh)


def test_patience_that_would_have_ended_a_trial_starts_it_over(
    train: Train, tmp_path: Path
) -> None:
    idle = {"trials": 1, "epochs": 6.0, "not_learning_after": 9.0}
    train(request(idle, learning_rate=1e-12, batch_size=1))
    short = request({**idle, "not_learning_after": 2.0}, learning_rate=1e-12, batch_size=1)
    fresh = run(short, dataset(), Scratch(tmp_path / "b", 99.0))
    assert without_clock(train(short)) == without_clock(fresh)
    assert fresh.trials[0].status == "not_learning"


def test_fewer_epochs_start_over(train: Train, tmp_path: Path) -> None:
    train(request({"epochs": 3.0}))
    shorter = train(request({"epochs": 1.0}))
    fresh = run(request({"epochs": 1.0}), dataset(), Scratch(tmp_path / "b", 99.0))
    assert without_clock(shorter) == without_clock(fresh)


@pytest.mark.parametrize("damage", [b"", b"no npz", None])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    train: Train,
    scratch: Scratch,
    undisturbed: tuple[RunResult, Path],
    damage: bytes | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected, checkpoints = undisturbed
    shutil.copytree(checkpoints, scratch.folder)
    path = scratch.folder / "trial-1.npz"
    path.write_bytes(path.read_bytes()[:-300] if damage is None else damage)
    assert without_clock(train(request())) == without_clock(expected)
    log = capsys.readouterr().err
    assert log.count("warning: ") == log.count("starting over") == 1


def test_a_clock_that_jumps_backwards_dates_a_run_and_changes_nothing(
    train: Train, undisturbed: tuple[RunResult, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    days = iter(range(28, 0, -1))

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Jumping":
            return cls(2026, 2, next(days), tzinfo=tz)

    monkeypatch.setattr(trial, "datetime", Jumping)
    jumped = train(request())
    assert [each.clock.started[:10] for each in jumped.trials] == ["2026-02-28", "2026-02-27"]
    assert all(0 < each.clock.seconds < 1000 for each in jumped.trials)
    assert without_clock(jumped) == without_clock(undisturbed[0])


def test_checkpoints_of_other_data_or_settings_are_not_used(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    train(request({"trials": 1}))
    for asked, data in (
        (request({"trials": 1}, learning_rate=0.2), dataset()),
        (request({"trials": 1}), dataset(seed=5)),
        (request({"trials": 1, "evaluate_every": 40}), dataset()),
    ):
        capsys.readouterr()
        train(asked, data)
        assert "warning" not in (log := capsys.readouterr().err)
        assert log.count("trial-1: ") >= 3


def test_tuning_chooses_on_a_seed_of_its_own_and_trains_with_fresh_ones(train: Train) -> None:
    grid = {"low": 1e-9, "high": 0.1, "points": 3, "epochs": 2.0, "seed": 77}
    result = train(request({"not_learning_after": 9.0}, grid, learning_rate="tuned"))
    assert result.tuning is not None
    assert result.tuning.learning_rates == [1e-9, 1e-5, 0.1]
    assert (result.tuning.chosen, result.tuning.on_border) == (0.1, True)
    assert [trial.seed for trial in result.trials] == [1, 2]
    assert {trial.learning_rate for trial in result.trials} == {0.1}
    assert result.variant.hyperparameters.learning_rate == "tuned"


@pytest.mark.parametrize(("model", "traced"), [("mlp", 1), (f"{OWN}:build", 3)])
def test_a_graph_of_ours_serves_all_rates(
    train: Train, monkeypatch: pytest.MonkeyPatch, model: str, traced: int
) -> None:
    """Somebody's own code may have put the rate into it: one each."""
    traced_at: list[float] = []

    def trace(session: Session) -> None:
        traced_at.append(session.learning_rate)

    monkeypatch.setattr(Session, "trace", trace)
    grid = {"low": 1e-3, "high": 0.1, "points": 3, "epochs": 2.0, "seed": 77}
    train(request({"epochs": 1.0}, grid, model=model, learning_rate="tuned"))
    assert len(traced_at) == traced


def test_out_of_memory_in_a_training_step_is_a_sentence(train: Train) -> None:
    greedy = request(model="tests.training.own_models:greedy", batch_size=8)
    with pytest.raises(UserError, match="variant tiny: out of memory; choose a smaller batch_size"):
        train(greedy)


def test_a_trial_does_not_depend_on_the_one_before(train: Train, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"optimizer": "ScheduleFreeAdamW", "learning_rate": 0.01}
    both = train(request({"trials": 2, "first_seed": 0}, **changes))
    folder = Scratch(tmp_path / "second", 99.0)
    second = run(request({"trials": 1, "first_seed": 1}, **changes), dataset(), folder)
    assert both.trials[1].evaluations == second.trials[0].evaluations


@pytest.mark.parametrize(("model", "idle"), [("with_embedding", 0), ("with_unused_head", 1)])
@pytest.mark.parametrize("optimizer", ["sgd", "rprop", "Lamb"])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_lookups_and_heads_that_the_loss_does_not_use_are_trained(
    train: Train, model: str, idle: int, optimizer: str
) -> None:
    settings = {"optimizer": optimizer, "learning_rate": 0.001}
    chosen = request({"trials": 1}, model=f"{OWN}:{model}", **settings)
    (trial,) = train(chosen).trials
    norms = list(trial.gradient_norms.values())
    assert len(norms) == 2
    assert norms.count(0.0) == idle


def test_unbalanced_classes_that_are_learned_are_not_called_chance(train: Train) -> None:
    """Two classes 90:10, told apart by their brightness."""
    good = dataset()
    labels = {
        f"{split}_labels": (np.arange(count) % 10 == 0).astype(np.uint8)
        for split, count in (("train", 96), ("validation", 40), ("test", 30))
    }
    images = {
        name.replace("labels", "images"): np.where(
            labels[name][:, None, None, None], 250, 5
        ).repeat(8, 1).repeat(8, 2).astype(np.uint8)
        for name in labels
    }  # fmt: skip
    facts = good.facts.model_copy(update={"classes": 2})
    bright = dataclasses.replace(good, **labels, **images, facts=facts)
    budget = {"trials": 1, "epochs": 40.0, "not_learning_after": 1.0}
    (trial,) = train(request(budget, learning_rate=0.5), bright).trials
    assert trial.final_test_accuracy == 1.0
    assert trial.status == "done"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("with_probabilities", "softmax_outputs"),
        ("with_rescaling", "rescaled_pixels"),
        ("with_tensorflow_noise", "hidden_state"),
        ("with_keras_noise", "hidden_state"),
        ("with_a_seed_of_its_own", "same_start"),
    ],
)
def test_what_an_author_may_not_have_meant_is_said(
    train: Train, capsys: pytest.CaptureFixture[str], model: str, code: str
) -> None:
    (warning,) = train(request({"trials": 2}, model=f"{OWN}:{model}")).warnings
    assert warning.code == code
    assert warning.text in capsys.readouterr().err


@pytest.mark.parametrize("model", ["mlp", f"{OWN}:build", f"{OWN}:with_seeded_noise"])
def test_models_that_heed_the_seed_are_not_warned_of(train: Train, model: str) -> None:
    assert train(request({"trials": 2}, model=model, optimizer="adam", dropout=0.0)).warnings == []


def test_what_fails_in_a_step_is_a_sentence(train: Train) -> None:
    with pytest.raises(UserError, match=r"variant tiny: training fails \(InvalidArg.*: indices"):
        train(request(model=f"{OWN}:with_too_small_a_table"))


def broken_labels() -> Dataset:
    good = dataset()
    return dataclasses.replace(good, train_labels=np.full_like(good.train_labels, 3))


def broken_images() -> Dataset:
    return dataclasses.replace(dataset(), validation_images=np.zeros((40, 64), np.uint8))


@pytest.mark.parametrize(
    ("asked", "data", "message"),
    [
        (request(), broken_labels(), "labels from 3 to 3; expected 0 to 2"),
        (request(), broken_images(), r"images of shape \(40, 64\) with 40 labels"),
        (request(model="lenet5"), dataset(), "could not be built for images of shape"),
        (request(optimizer="adam", momentum=0.5), dataset(), "refuses its arguments"),
        (request(learning_rate="tuned"), dataset(), "needs a tuning grid"),
    ],
    ids=["labels", "images", "model", "optimizer", "tuning"],
)
def test_errors_name_the_variant(
    train: Train, asked: TrainRequest, data: Dataset, message: str
) -> None:
    with pytest.raises(UserError, match=f"variant tiny: .*{message}"):
        train(asked, data)
