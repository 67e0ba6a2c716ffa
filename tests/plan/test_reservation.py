from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.budget import Budget
from batchmark.plan.schema import ProbingConfig, TimingConfig, TuningConfig
from batchmark.plan.work import for_probe, for_run, for_session
from tests.plan.conftest import STUDY, OpenPlan

BUDGET = Budget(
    epochs=3.0, trials=2, first_seed=0, evaluate_every=None, not_learning_after=1.0,
    sample_epochs_times=1.0, deterministic=True,
)  # fmt: skip


def test_a_run_reserves_what_a_slow_core_needs() -> None:
    reservation = for_run(Hyperparameters(batch_size=6, train_size=10_000), BUDGET, TuningConfig())
    # 2 trials × 3 epochs × 10,000 images, half of the time overhead: 120,000 at 1,000 a second.
    assert reservation.minutes == 10 + 2
    assert reservation.megabytes == 1500 + 2


def test_tuning_is_counted_as_configured() -> None:
    chosen = Hyperparameters(batch_size=6, train_size=10_000, learning_rate="tuned")
    tuning = TuningConfig(points=10, epochs=3.0)
    # 6 epochs of trials and 30 of tuning, 10,000 images each, half of the time overhead.
    assert for_run(chosen, BUDGET, tuning).minutes == 10 + 12


def test_every_attempt_reserves_twice_as_much() -> None:
    reservation = for_run(Hyperparameters(batch_size=6, train_size=10_000), BUDGET, TuningConfig())
    assert [reservation.runtime(attempt) for attempt in (1, 2, 3)] == [12, 24, 48]
    assert [reservation.mem_mb(attempt) for attempt in (1, 2)] == [1502, 3004]


def test_probes_come_on_top_of_the_run() -> None:
    probing = ProbingConfig(batch_sizes=[1000, 5000], draws=20, trials=1)
    chosen = Hyperparameters(batch_size=6, train_size=10_000)
    reservation = for_probe(chosen, BUDGET, TuningConfig(), probing)
    # 3 moments × 20 draws × 6,000 images on top of 120,000.
    assert reservation.minutes == 10 + 8
    assert reservation.megabytes == 1500 + 1500


def test_a_timing_session_counts_every_thread_setting() -> None:
    timing = TimingConfig(rounds=10, min_seconds=1.0, min_steps=20)
    subjects = [Hyperparameters(batch_size=1), Hyperparameters(batch_size=1000)]
    # (20 + 10 × 2) + (20 + 10 × 20) seconds for each of 3 settings.
    assert for_session(subjects, 3, timing).minutes == 10 + 13
    # A visit of the larger one takes 5 s instead of 20: 40 + 70 seconds.
    capped = timing.model_copy(update={"max_seconds": 5.0})
    assert for_session(subjects, 3, capped).minutes == 10 + 6


def test_a_study_with_a_protocol_of_its_own_reserves_for_that(plan_of: OpenPlan) -> None:
    # A visit takes 2 × 0.3 s at batch size 10 and 20 × 0.1 s at 100, a round both: 2.6 s.
    # 2 × 20 s and 7 or 100 rounds: 58.2 and 300 s.
    reserved = {
        name: plan_of(None, first={**STUDY, **own}).session_reservation("first").minutes
        for name, own in {"common": {}, "own": {"rounds": 100}}.items()
    }
    assert reserved == {"common": 10 + 1, "own": 10 + 5}
