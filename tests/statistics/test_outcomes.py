from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchmark.statistics.outcomes import (
    Curves,
    best_errors,
    confirmed_at,
    epochs_times,
    epochs_to,
    mean_crossings,
    oscillation,
    outcomes,
    read_curves,
    study_outcomes,
)
from tests.synthetic import example_request
from tests.world import World

ACCURACY = [[0.5, 0.8, 0.9, 0.85], [0.9, 0.95], [0.1, 0.1, 0.1]]


@pytest.fixture
def curves() -> Curves:
    """Three trials with 4, 2 and 3 evaluations, half an epoch apart."""
    lengths = [len(one) for one in ACCURACY]
    place = {"machine": "local", "device": "cpu"}
    trials = pd.DataFrame([place | {"variant": f"v{k}", "seed": 0} for k in range(3)])
    return Curves(
        trials=trials,
        starts=np.array([0, 4, 6]),
        epoch=np.concatenate([np.arange(1, n + 1) / 2 for n in lengths]),
        loss=np.ones(9),
        loss_spread=np.array([9.0, 9.0, 2.0, 8.0, 9.0, 3.0, 9.0, np.nan, 0.5]),
        accuracy=np.concatenate(ACCURACY),
    )


def test_the_first_evaluation_at_the_target_counts(curves: Curves) -> None:
    assert epochs_to(curves, 0.9).tolist() == [1.5, 0.5, np.inf]


def test_two_evaluations_in_a_row_confirm_a_target(curves: Curves) -> None:
    """At 0.8: second and third; both; none. At 0.9: the first trial falls back at once."""
    assert confirmed_at(curves, 0.8).tolist() == [1.0, 0.5, np.inf]
    assert confirmed_at(curves, 0.9).tolist() == [np.inf, 0.5, np.inf]
    assert confirmed_at(curves, 0.8, np.full(3, 1.0)).tolist() == [np.inf, 0.5, np.inf]


def test_the_mean_curve_crosses_between_evaluations() -> None:
    """Errors 0.5 0.2 0.1 0.1 and 0.3 0.2 0.06: mean 0.4 0.2 0.08 0.08; 0.1 by logarithms."""
    place = {"machine": "local", "device": "cpu", "variant": "v0"}
    errors = [0.5, 0.2, 0.1, 0.1, 0.3, 0.2, 0.06]
    made = Curves(
        trials=pd.DataFrame([place | {"seed": seed} for seed in range(2)]),
        starts=np.array([0, 4]),
        epoch=np.array([1.0, 2, 3, 4, 1, 2, 3]),
        loss=np.ones(7),
        loss_spread=np.ones(7),
        accuracy=1 - np.array(errors),
    )
    between = 2 + np.log(0.2 / 0.1) / np.log(0.2 / 0.08)
    assert mean_crossings(made, [0.9])[:, 0] == pytest.approx([between] * 2)
    # At the first evaluation it is an upper bound.
    assert mean_crossings(made, [0.5, 0.99]).tolist() == [[1.0, np.inf]] * 2
    assert np.isinf(mean_crossings(made, [0.9], np.full(2, 2.0))).all()


@pytest.mark.parametrize("spread", [0.002, 0.01])
def test_a_first_hit_is_early_where_evaluations_are_noisy_and_a_mean_curve_is_not(
    spread: float,
) -> None:
    """Accuracies that cross 0.95 at 2 epochs, evaluated every 0.05, ten seeds a variant."""
    random = np.random.default_rng(0)
    epochs = np.arange(1, 81, dtype=float) * 0.05
    exact = 1 - 0.05 * (2 / epochs) ** 0.5
    noisy = exact + random.normal(0, spread, (200, 10, 80))
    place = {"machine": "local", "device": "cpu"}
    made = Curves(
        trials=pd.DataFrame(
            [place | {"variant": f"v{v}", "seed": s} for v in range(200) for s in range(10)]
        ),
        starts=np.arange(2000) * 80,
        epoch=np.tile(epochs, 2000),
        loss=np.ones(160_000),
        loss_spread=np.ones(160_000),
        accuracy=noisy.ravel(),
    )
    first = np.median(epochs_to(made, 0.95)) - 0.025
    mean = np.median(mean_crossings(made, [0.95]))
    assert first < mean <= 2
    assert first < np.median(confirmed_at(made, 0.95))
    assert mean == pytest.approx(2, rel=50 * spread / 2)


def test_evaluations_behind_the_budget_do_not_count(curves: Curves) -> None:
    assert epochs_to(curves, 0.9, np.full(3, 1.0)).tolist() == [np.inf, 0.5, np.inf]


def test_the_best_error_and_its_first_epoch(curves: Curves) -> None:
    error, epoch = best_errors(curves)
    assert error == pytest.approx([0.1, 0.05, 0.9])
    assert epoch.tolist() == [1.5, 1.0, 0.5]


def test_oscillation_is_the_geometric_mean_of_the_later_half(curves: Curves) -> None:
    # Evaluations behind half of the last epoch: (2, 8), (3), (nothing finite but 0.5).
    assert oscillation(curves) == pytest.approx([4.0, 3.0, 0.5])


def test_choosing_trials_keeps_their_evaluations(curves: Curves) -> None:
    chosen = curves.of(np.array([True, False, True]))
    assert chosen.starts.tolist() == [0, 4]
    assert epochs_to(chosen, 0.9).tolist() == [1.5, np.inf]
    nothing = curves.of(np.zeros(3, bool))
    assert len(epochs_to(nothing, 0.9)) == 0


def test_the_step_before_a_reading_is_that_of_its_own_evaluation(curves: Curves) -> None:
    """Evaluations may come at any distance; those of other trials and the mean do not count."""
    uneven = replace(curves, epoch=np.array([0.5, 0.75, 2.0, 2.5, 0.25, 0.5, 1.0, 2.0, 3.0]))
    rows = outcomes(uneven, trials(), [0.9])
    assert rows["epochs_to_0.9"].tolist() == [2.0, 0.25, np.inf, np.inf]
    assert rows["step_to_0.9"].tolist() == [1.25, 0.25, 0.0, 0.0]


def trials(**changes: Any) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "machine": "local",
            "device": "cpu",
            "variant": [f"v{k}" for k in range(4)],
            "seed": 0,
            "status": "done",
            "epochs": 2.0,
            "best_epoch": 0.0,
            "test_accuracy_at_best": 0.9,
            "final_test_accuracy": 0.8,
            "final_train_accuracy": 0.95,
            "small_weight_share": 0.1,
            "gradient_norms": '{"a": 1.0}',
            "message": "",
            "targets": None,
        }
    )
    return table.assign(**changes)


def every(budget: float) -> dict[str, float]:
    return {f"v{k}": budget for k in range(4)}


def test_an_added_seed_tells_of_its_target_alone(curves: Curves) -> None:
    """Trials that ended with 0.9 confirmed; the third missed it."""
    rows = outcomes(curves, trials(targets="0.9;0.97"), [0.9, 0.8])[:3]
    assert rows["epochs_to_0.9"].tolist() == [1.5, 0.5, np.inf]
    assert rows[["epochs_to_0.8", "best_validation_error", "best_epoch"]].isna().all(axis=None)
    complete = outcomes(curves, trials(), [0.9, 0.8])[:3]
    assert complete["epochs_to_0.8"].tolist() == [1.0, 0.5, np.inf]


def test_a_trial_without_evaluations_is_a_miss(curves: Curves) -> None:
    rows = outcomes(curves, trials(), [0.9])
    assert len(rows) == 4
    assert np.isinf(rows["epochs_to_0.9"].iloc[3])


def test_the_end_of_a_longer_run_says_nothing_about_a_shorter_budget(curves: Curves) -> None:
    cut = outcomes(curves, trials(), [0.9], every(1.0))
    assert cut["final_test_accuracy"].isna().all()
    assert cut["gradient_norms"].tolist() == ["{}"] * 4
    assert (cut["budget"] == 1.0).all()
    whole = outcomes(curves, trials(), [0.9], every(5.0))
    assert (whole["final_test_accuracy"] == 0.8).all()
    assert (whole["gradient_norms"] == '{"a": 1.0}').all()
    assert (whole["budget"] == 2.0).all()


def test_each_variant_has_a_budget_of_its_own(curves: Curves) -> None:
    # The first reaches 0.9 at 1.5 epochs, the second at its first evaluation, at 0.5.
    cut = outcomes(curves, trials(), [0.9], every(1.5) | {"v1": 0.4})
    assert cut["epochs_to_0.9"].tolist() == [1.5, np.inf, np.inf, np.inf]
    assert cut["budget"].tolist() == [1.5, 0.4, 1.5, 1.5]


def test_a_best_within_the_budget_is_that_of_the_run(curves: Curves) -> None:
    best = outcomes(curves, trials(best_epoch=[1.5, 1.0, 0.5, np.nan]), [0.9], every(1.0))
    known = best["test_accuracy_at_best"]
    assert known.tolist() == pytest.approx([np.nan, 0.9, 0.9, 0.9], nan_ok=True)


def test_what_a_run_did_after_the_budget_is_not_held_against_it(curves: Curves) -> None:
    ended = trials(status="diverged", message="the loss is not finite")
    # Their last evaluations are at 2, 1 and 1.5 epochs.
    cut = outcomes(curves, ended, [0.9], every(1.0))
    assert cut["status"].tolist() == ["done", "diverged", "done", "diverged"]
    assert cut["message"].tolist()[:2] == ["", "the loss is not finite"]


def test_reading_finds_every_trial(world: World) -> None:
    curves = read_curves(world.folder / "tables")
    assert len(curves.trials) == 3 * len(world.request.variants)
    assert not curves.trials.duplicated().any()
    epochs = np.split(curves.epoch, curves.starts[1:])
    assert all((np.diff(one) > 0).all() for one in epochs)


def test_a_study_with_fewer_seeds_and_epochs_sees_only_those(world: World) -> None:
    curves = read_curves(world.folder / "tables")
    first, *others = world.request.studies[0].settings
    few = {first: 1, **dict.fromkeys(others, 2)}
    study = world.request.studies[0].model_copy(update={"trials": few, "epochs": 1.0})
    table = pd.read_csv(world.folder / "tables/trials.csv")
    rows = study_outcomes(study, curves, table, [0.98], dict.fromkeys(study.settings, 1.0))
    seen = {id_: sorted(own["seed"]) for id_, own in rows.groupby("variant")}
    assert seen == {first: [0], **{id_: [0, 1] for id_ in others}}
    reached = rows["epochs_to_0.98"]
    assert reached[np.isfinite(reached)].max() <= 1.0


def test_on_the_sample_each_variant_has_a_length_of_its_own() -> None:
    request = example_request(studies=("momentum",), epochs=4.0)
    first, *others = [each.id for each in request.variants]
    own = pd.DataFrame({"machine": "local", "variant": [first], "epochs": 12.0})
    elsewhere = own.assign(machine="laptop", epochs=100.0)
    unrun = dict.fromkeys(others, 1.0)
    assert epochs_times(pd.concat([own, elsewhere]), request) == {first: 3.0, **unrun}
    assert epochs_times(elsewhere, request) == {first: 1.0, **unrun}
