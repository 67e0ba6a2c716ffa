"""Costs by hand at the assumed rates: 1 ms an image, 6 ms a step, 0.3 ms an evaluated image."""

import pytest

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.plan.schema import ProbingConfig, TimingConfig, TuningConfig
from batchmark.plan.work import ASSUMED, probe_load, reservation, run_load, session_seconds
from tests.plan.conftest import STUDY, OpenPlan

BUDGET = Budget(
    epochs=3.0, trials=2, first_seed=0, evaluate_every=None, not_learning_after=1.0,
    sample_epochs_times=1.0, deterministic=True,
)  # fmt: skip
CHOSEN = Hyperparameters(batch_size=6, train_size=10_000)


def test_a_run_costs_what_a_slow_core_needs() -> None:
    load = run_load(CHOSEN, BUDGET, TuningConfig())
    # 2 trials of 3 epochs; evaluated after each of these and twice more.
    assert (load.images, load.steps, load.evaluated) == (60_000, 10_000, 100_000)
    # 60 s of images, 60 s of steps, 30 s of evaluations, 10 s for the graph.
    assert load.seconds(ASSUMED) == 160


def test_other_models_cost_by_their_multiplications_and_rows() -> None:
    mlp, lstm = (
        run_load(CHOSEN.model_copy(update={"model": model}), BUDGET, TuningConfig())
        for model in ("mlp", "lstm")
    )
    assert (mlp.images, mlp.steps, mlp.evaluated) == (30_000, 10_000, 50_000)
    # 28 rows make five steps of one.
    assert (lstm.images, lstm.steps, lstm.evaluated) == (150_000, 50_000, 250_000)


def test_tuning_is_counted_as_configured() -> None:
    chosen = CHOSEN.model_copy(update={"learning_rate": "tuned"})
    load = run_load(chosen, BUDGET, TuningConfig(points=10, epochs=3.0))
    # 6 epochs of trials; ten rates for 3/4 of an epoch, five for as much again, three for 6/4.
    assert load.images == (6 + 7.5 + 3.75 + 4.5) * 10_000
    # As without tuning, and one for each rate and rung.
    assert load.evaluated == (6 + 4 + 10 + 5 + 3) * 10_000


def test_every_attempt_reserves_twice_as_much() -> None:
    reserved = reservation(160, [6])
    assert (reserved.minutes, reserved.megabytes) == (10 + 3, 1500 + 2)
    assert [reserved.runtime(attempt) for attempt in (1, 2, 3)] == [13, 26, 52]
    assert [reserved.mem_mb(attempt) for attempt in (1, 2)] == [1502, 3004]


def test_the_largest_batch_decides_the_memory(plan_of: OpenPlan) -> None:
    assert reservation(0, [10, 50_000]).megabytes == 1500 + 15_000
    # A full batch is all images that are trained on.
    plan = plan_of(None, first={**STUDY, "grids": [{"batch_size": "full", "train_size": 1000}],
                                "baseline": {}})  # fmt: skip
    assert plan.run_reservation(next(iter(plan.variants))).megabytes == 1500 + 300


def test_probes_draw_on_top_of_the_trials_that_are_probed() -> None:
    probing = ProbingConfig(batch_sizes=[100, 5000], draws=20, trials=1)
    load = probe_load(CHOSEN, BUDGET, TuningConfig(), probing)
    # 1 trial of 3 epochs; 3 moments × (20 draws × 100 images and all 50,000, which 5,000 are of).
    assert load.images == 30_000 + 3 * (20 * 100 + 50_000)
    # It is not scored.
    assert load.evaluated == 0
    # Of one epoch the end is the moment after it.
    short = probe_load(CHOSEN, BUDGET.model_copy(update={"epochs": 1}), TuningConfig(), probing)
    assert short.images == 10_000 + 2 * (20 * 100 + 50_000)


def test_a_timing_session_counts_every_thread_setting() -> None:
    timing = TimingConfig(rounds=10, min_seconds=1.0, min_steps=20, threads=[1, 2, "all"])
    subjects = [Hyperparameters(batch_size=1), Hyperparameters(batch_size=1000)]
    # A round: thrice 1 s and 20 steps of 1.006 s, and 4 s of the baseline, all 1.4 times as long;
    # 20 ms between its ten visits. Six graphs of 20 s.
    one = (3 * (1 + 20 * 1.006) + 4) * 1.4 + 10 * 0.02
    assert session_seconds(subjects, timing, ASSUMED) == pytest.approx(10 * one + 120)
    # A visit of the larger one takes 5 s instead: 30.8 s and 0.2 s.
    capped = timing.model_copy(update={"max_seconds": 5.0})
    assert session_seconds(subjects, capped, ASSUMED) == pytest.approx(10 * 31 + 120)
    # Ratios are rarely known before the most rounds that are allowed.
    long = capped.model_copy(update={"rounds_at_most": 20})
    assert session_seconds(subjects, long, ASSUMED) == pytest.approx(20 * 31 + 120)
    # Another loop is as two more numbers of threads: 5 × 6 s and 4 s, 14 visits, ten graphs.
    fit = capped.model_copy(update={"loops": ["fit"]})
    assert session_seconds(subjects, fit, ASSUMED) == pytest.approx(10 * (34 * 1.4 + 0.28) + 200)


def test_a_study_with_a_protocol_of_its_own_reserves_for_that(plan_of: OpenPlan) -> None:
    # 20 steps of 0.016 s, 20 of 0.106 s and 4 × 0.3 s a round, 40 % more and 0.12 s: 5.216 s.
    # Graphs: 40 s. 7 or 100 rounds: 77 and 562 s.
    reserved = {
        name: plan_of(None, first={**STUDY, **own}).session_reservation("first").minutes
        for name, own in {"common": {}, "own": {"rounds": 100}}.items()
    }
    assert reserved == {"common": 10 + 2, "own": 10 + 10}
