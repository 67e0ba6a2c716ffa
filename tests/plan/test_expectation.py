import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from batchmark.contract.calibration import Calibration
from batchmark.contract.errors import UserError
from batchmark.contract.record import write_result
from batchmark.dataset.local import label_count
from batchmark.plan.forecast import (
    Work,
    all_work,
    by_study,
    compared,
    expect,
    expectation,
    is_long,
    makespan,
    minutes,
    work_of,
)
from batchmark.plan.plan import Plan, open_plan
from batchmark.plan.work import MNIST_SIZE, DataSize
from tests.plan.conftest import CONFIG, STUDY, OpenPlan

RATES = Calibration(
    cores=2,
    startup=4.0,
    job=0.25,
    graph=1.0,
    image=1e-4,
    step=1e-3,
    evaluated_image=5e-5,
    kernel_image=1e-4,
    kernel_step=1e-3,
    kernel_evaluated_image=5e-5,
    report=2.0,
    memory_bytes=2**30,
)


def test_makespan_is_longest_first() -> None:
    # 5 on one worker, 4 + 3 on the other, then 2 joins the 5
    assert makespan([2, 3, 4, 5], 2) == 7
    assert makespan([2, 3, 4, 5], 1) == 14
    assert makespan([], 2) == 0


def test_cost_of_one_run_by_hand(plan_of: OpenPlan) -> None:
    training = {"epochs": 2.0, "trials": 3}
    study = {**STUDY, "grids": [{"batch_size": 100}]}
    plan = plan_of({**CONFIG, "training": training}, first=study)
    expected = expect(plan, all_work(plan), RATES, MNIST_SIZE, cores=2)
    # 2 epochs of 500 steps of 0.011 s; 10,000 images after each and twice at the end. One import,
    # one fork, a tenth as long for data and models, one graph.
    trial = 2 * 500 * 0.011 + 4 * 10_000 * 5e-5
    assert expected.seconds["train"] == pytest.approx(4 + 0.25 + 0.4 + 1 + 3 * trial)
    assert expected.jobs["train"] == 1
    # The timing session needs more than the one run: a process to weigh and one to time.
    assert expected.memory_bytes == 2 * (2**30 + 100 * 60_000)


def test_a_shared_run_is_the_first_studys(plan_of: OpenPlan) -> None:
    training = {"epochs": 1.0, "trials": 1}
    first = {**STUDY, "rounds": 0, "grids": [{"batch_size": 100}]}
    second = {**STUDY, "rounds": 0, "grids": [{"batch_size": [100, 50]}]}
    config = {**CONFIG, "training": training, "studies": {"first": {}, "second": {}}}
    plan = plan_of(config, first=first, second=second)
    seconds = by_study(plan, RATES, MNIST_SIZE, cores=2)
    # An epoch of 500 or 1,000 steps, 10,000 images scored after it and twice beside; start, data
    # and models, graph.
    beside = 0.25 + 0.4 + 1 + 3 * 10_000 * 5e-5
    assert seconds["first"] == pytest.approx((beside + 500 * 0.011) / 2)
    assert seconds["second"] == pytest.approx((beside + 1000 * 0.006) / 2)


def test_added_seeds_cost_what_is_expected_of_them(plan_of: OpenPlan) -> None:
    """A spread of 0.15 is known to 15 % from seven seeds: 2.447 × 0.15 / √7 < ln 1.15; one more."""
    training = {"epochs": 2.0, "trials": 3}
    study = {**STUDY, "grids": [{"batch_size": 100}]}
    complete, raced = (
        plan_of({**CONFIG, "training": {**training, **more}}, first=study)
        for more in ({}, {"trials_at_most": 10})
    )
    load, more = (plan.run_load(next(iter(plan.variants))) for plan in (complete, raced))
    # Five seeds in 0.7 of such runs, of 0.7 of the two epochs; two fifths of it is evaluated.
    assert more.images - load.images == pytest.approx(0.7 * 5 * 1.4 * 50_000)
    assert more.evaluated - load.evaluated == pytest.approx(0.7 * 5 * 1.4 * 0.4 * 10_000)


def test_added_seeds_last_as_long_as_the_study_that_adds_them(plan_of: OpenPlan) -> None:
    one = {**STUDY, "grids": [{"batch_size": 100}]}
    long, short = {**one, "epochs": 200.0}, {**one, "epochs": 2.0, "trials_at_most": 10}
    studies = {"first": long, "second": short, "third": {**short, "epochs": 1.0}}
    config = {**CONFIG, "training": {"epochs": 1.0, "trials": 3}}
    alone, beside = (
        plan_of({**config, "studies": {name: {} for name in names}}, **studies)
        for names in (["first"], [*studies])
    )
    loads = [plan.run_load(next(iter(plan.variants))) for plan in (alone, beside)]
    # As in the test before, not of 0.7 of 200 epochs.
    assert loads[1].images - loads[0].images == pytest.approx(0.7 * 5 * 1.4 * 50_000)


def test_fewer_evaluations_cost_less(plan_of: OpenPlan) -> None:
    training = {"epochs": 10.0, "trials": 1, "evaluate_every": 5000}
    study = {**STUDY, "grids": [{"batch_size": 100}]}
    plan = plan_of({**CONFIG, "training": {**training, "evaluate_finely": 4.0}}, first=study)
    # 40 in the first four epochs, then six, and two beside.
    assert plan.run_load(next(iter(plan.variants))).evaluated == pytest.approx(48 * 10_000)


def test_fewer_images_scored_cost_less(plan_of: OpenPlan) -> None:
    study = {**STUDY, "grids": [{"batch_size": 100}], "validation_images": 2000}
    training = {"epochs": 2.0, "trials": 1}
    plan = plan_of({**CONFIG, "training": training}, first=study)
    load = plan.run_load(next(iter(plan.variants)))
    # After both epochs; at the end all test images and as many training ones.
    assert load.evaluated == 2 * 2000 + 2 * 10_000
    plan = plan_of({**CONFIG, "training": training}, first={**study, "test_images": 3000})
    assert plan.run_load(next(iter(plan.variants))).evaluated == 2 * 2000 + 2 * 3000


def test_a_normalization_and_an_optimizer_of_means_have_their_work(plan_of: OpenPlan) -> None:
    study = {**STUDY, "grids": [{"batch_size": 100}]}
    config = {**CONFIG, "training": {"epochs": 2.0, "trials": 1}}
    settings = {**STUDY.get("settings", {}), "normalization": "group", "optimizer": "adam"}
    plain, more = (
        plan_of(config, first=study),
        plan_of(config, first=study | {"settings": settings}),
    )
    load, work = (plan.run_load(next(iter(plan.variants))) for plan in (plain, more))
    assert work.images == pytest.approx(2.2 * load.images)
    assert work.evaluated == pytest.approx(2.2 * load.evaluated)
    assert work.steps == pytest.approx(1.8 * load.steps)


def test_cost_on_the_sample_by_hand(plan_of: OpenPlan) -> None:
    training = {"epochs": 2.0, "trials": 1, "sample_epochs_times": 3.0}
    timing = {"rounds": 10, "min_seconds": 0.4, "min_steps": 1, "sample_min_seconds": 0.1}
    study = {**STUDY, "grids": [{"batch_size": 100}]}
    plan = plan_of({**CONFIG, "training": training, "timing": timing}, first=study)
    work = all_work(plan)
    sample, own = (expect(plan, work, RATES, DataSize(4000, 500, is_), 2) for is_ in (True, False))
    # Three times the epochs, each 40 steps of 0.011 s and 500 images evaluated; at the end test
    # images, as many, and all for training.
    epoch, ends = 40 * 0.011 + 500 * 5e-5, (500 + 4000) * 5e-5
    assert sample.seconds["train"] == pytest.approx(4 + 0.25 + 0.4 + 1 + 6 * epoch + ends)
    assert own.seconds["train"] == pytest.approx(4 + 0.25 + 0.4 + 1 + 2 * epoch + ends)
    # 10 rounds of one subject and four readings of the baseline, each 1.4 times as long as asked.
    assert own.seconds["time"] - sample.seconds["time"] == pytest.approx(10 * 5 * 0.3 * 1.4)


def test_the_cores_of_the_run_count_and_not_those_of_the_calibration(plan_of: OpenPlan) -> None:
    plan = plan_of()
    work = Work(train=list(plan.variants), probe=[], time=[], plot=[])
    one, two = (expect(plan, work, RATES, MNIST_SIZE, cores) for cores in (1, 2))
    alone = [
        expect(plan, Work([name], [], [], []), RATES, MNIST_SIZE, 2).seconds["train"] - 4
        for name in plan.variants
    ]
    assert one.seconds["train"] == pytest.approx(4 + sum(alone))
    assert two.seconds["train"] == pytest.approx(4 + max(alone))
    # Batch sizes 10 and 100: side by side, or the larger of them.
    assert two.memory_bytes == 2 * 2**30 + 110 * 60_000
    assert one.memory_bytes == 2**30 + 100 * 60_000


def test_only_the_jobs_that_run_are_counted(plan_of: OpenPlan) -> None:
    plan = plan_of()
    name = next(iter(plan.variants))
    jobs = [("train", {"device": "cpu", "variant": name}), ("collect", {})]
    work = work_of(jobs)
    assert (work.train, work.time, work.plot) == ([name], [], [])
    assert (
        expect(plan, work, RATES, MNIST_SIZE, cores=2).total
        < expect(plan, all_work(plan), RATES, MNIST_SIZE, cores=2).total
    )


def test_a_few_long_jobs_are_announced_and_many_short_ones_are_not(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    """At the assumed rates, for a run of 5 epochs: 10 s, and 1 ms an image and 6 ms a step."""
    study = {**STUDY, "grids": [{"batch_size": 100, "learning_rate": [0.1, 0.2]}]}
    training = {"epochs": 5.0, "trials": 3, "evaluate_every": 50_000}
    timing = {"rounds": 1, "min_seconds": 0.001, "min_steps": 1}
    study["baseline"] = {"learning_rate": 0.1}
    facts = tmp_path / "mnist.json"

    def long(path: str | None, cores: int, runs: int = 2) -> bool:
        dataset = CONFIG["dataset"] | (
            {"name": "mine", "path": path, "validation": 50} if path else {}
        )
        targets = CONFIG["targets"] | {"mine": [0.9]}
        config = {**CONFIG, "dataset": dataset, "targets": targets}
        plan = plan_of({**config, "training": training, "timing": timing}, first=study)
        return is_long(plan, Work(list(plan.variants)[:1] * runs, [], [], []), facts, cores)

    # 10 + 750 + 45 s and evaluations of 5 x 10,000 images and more for each run of MNIST.
    assert long(None, cores=1, runs=1)
    np.savez(tmp_path / "small.npz", y_train=np.zeros(300, np.uint8))
    # 250 images for training: 10 + 3.75 + 0.2 s and evaluations; 30 such runs in turn are 9 min.
    assert not long(str(tmp_path / "small.npz"), cores=1, runs=30)
    assert long(str(tmp_path / "small.npz"), cores=1, runs=60)
    assert not long(str(tmp_path / "small.npz"), cores=2, runs=60)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_own_data_are_counted_by_their_labels(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("y_train.npy", "w") as file:
        np.lib.format.write_array(file, np.zeros((321, 1)), version)
    assert label_count(path) == 321
    (tmp_path / "idx").mkdir()
    labels = tmp_path / "idx" / "train-labels-idx1-ubyte"
    labels.write_bytes(b"\0\0\x08\x01\0\0\x01\x02" + bytes(258))
    assert label_count(tmp_path / "idx") == 258
    labels.with_name(f"{labels.name}.gz").write_bytes(gzip.compress(labels.read_bytes()))
    labels.unlink()
    assert label_count(tmp_path / "idx") == 258
    for content in (b"", b"PK"):
        path.write_bytes(content)
        assert label_count(path) == 0


def test_a_damaged_record_of_the_data_is_named(plan_of: OpenPlan, tmp_path: Path) -> None:
    calibration, facts = tmp_path / "calibration.json", tmp_path / "mnist.json"
    write_result(calibration, RATES)
    plan = plan_of()
    assert expectation(plan, all_work(plan), calibration, facts, 2).total > 0
    facts.write_text('{"facts": {}}')
    with pytest.raises(UserError, match=r"mnist\.json is refused: facts\.name"):
        expectation(plan, all_work(plan), calibration, facts, 2)


@pytest.mark.parametrize(
    ("seconds", "words"), [(12.4, "12 s"), (600, "10.0 min"), (36_000, "10.0 h")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert minutes(seconds) == words


def test_comparison_at_the_end() -> None:
    assert compared(expected=100, taken=120) == "Took 2.0 min; expected 1.7 min (+20%)."


def usual(scale: str, handover: Path) -> Plan:
    """The plan of one of our scales."""
    folder = Path(__file__).parents[2] / "config"
    files = [folder / "config.yaml", folder / f"{scale}.yaml"]
    merged: dict[str, Any] = {}
    for file in files:
        update_config(merged, yaml.safe_load(file.read_text(encoding="utf-8")))
    return open_plan(merged, [str(file) for file in files], [folder / "studies"], handover)


# The rates that `benchmarks/README.md` has, one process a core.
USUAL = RATES.model_copy(
    update={"startup": 2.9, "graph": 0.8, "image": 5e-5, "step": 2.1e-4, "report": 1.2}
    | {"evaluated_image": 1.5e-5}
    | {"kernel_image": 2.9e-5, "kernel_step": 1.7e-5, "kernel_evaluated_image": 1.1e-5}
)


def test_an_evening_is_at_most_three_hours_on_two_usual_cores(tmp_path: Path) -> None:
    plan = usual("evening", tmp_path)
    assert expect(plan, all_work(plan), USUAL, MNIST_SIZE, cores=2).total < 3 * 3600


def test_a_prediction_is_at_most_a_minute_and_a_half_on_two_usual_cores(tmp_path: Path) -> None:
    plan = usual("quick", tmp_path)
    study, probed, tuned, _ = plan.quick
    work = Work(train=tuned, probe=probed, time=[study], plot=[])
    assert expect(plan, work, USUAL, MNIST_SIZE, cores=2).total < 90
