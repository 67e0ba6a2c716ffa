"""Costs by hand at the assumed rates: 1 ms an image, 6 ms a step, 0.3 ms an evaluated image."""

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
    assert (load.images, load.drawn) == (30_000, 3 * (20 * 100 + 50_000))


def test_a_timing_session_counts_every_thread_setting() -> None:
    timing = TimingConfig(rounds=10, min_seconds=1.0, min_steps=20, threads=[1, 2, "all"])
    subjects = [Hyperparameters(batch_size=1), Hyperparameters(batch_size=1000)]
    # A round: 1 s, 20 steps of 1.006 s, and 4 s of the baseline; 10 % for warming up. Two graphs.
    one = 10 * (1 + 20 * 1.006 + 4) * 1.1 + 2 * 10 * 1.5
    assert session_seconds(subjects, timing, ASSUMED) == 3 * one
    # A visit of the larger one takes 5 s instead.
    capped = timing.model_copy(update={"max_seconds": 5.0})
    assert session_seconds(subjects, capped, ASSUMED) == 3 * (10 * (1 + 5 + 4) * 1.1 + 30)
    # Ratios are rarely known before the most rounds that are allowed.
    long = capped.model_copy(update={"rounds_at_most": 20})
    assert session_seconds(subjects, long, ASSUMED) == 3 * (20 * (1 + 5 + 4) * 1.1 + 30)


def test_a_study_with_a_protocol_of_its_own_reserves_for_that(plan_of: OpenPlan) -> None:
    # 20 steps of 0.016 s, 20 of 0.106 s and 4 × 0.3 s a round, 10 % more: 4.004 s. Graphs: 30 s.
    # 7 or 100 rounds: 58 and 430 s.
    reserved = {
        name: plan_of(None, first={**STUDY, **own}).session_reservation("first").minutes
        for name, own in {"common": {}, "own": {"rounds": 100}}.items()
    }
    assert reserved == {"common": 10 + 1, "own": 10 + 8}
