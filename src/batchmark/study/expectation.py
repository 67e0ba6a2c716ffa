"""What a plan will cost on this machine: wall time by stage, memory and disk."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batchmark.results.calibration import Calibration
from batchmark.study.cost import (
    MODEL_COSTS,
    DataSize,
    batch_and_images,
    tuning_epochs,
    visit_seconds,
)
from batchmark.study.plan import Plan
from batchmark.study.timing_subjects import timing_subjects

# Of a run or a block of the default scale.
BYTES_PER_RESULT = 40_000
# 28 x 28 pixels, and the validation and test images that come with 5 training images.
BYTES_PER_IMAGE = 785 * 7 // 5
# Activations of LeNet-5 and their gradients, for each image of a batch.
BYTES_PER_BATCH_IMAGE = 60_000


@dataclass(frozen=True)
class Expectation:
    """Expected wall seconds and number of jobs by stage, memory in use at once, and disk."""

    seconds: dict[str, float]
    jobs: dict[str, int]
    memory_bytes: int
    disk_bytes: int

    @property
    def total(self) -> float:
        """Expected wall seconds of the whole plan."""
        return sum(self.seconds.values())

    def sentence(self) -> str:
        """One line for the start of a run."""
        memory, disk = self.memory_bytes / 2**30, self.disk_bytes / 2**20
        jobs = sum(self.jobs.values())
        return f"{jobs} jobs, {minutes(self.total)}, {memory:.1f} GiB memory, {disk:.0f} MiB disk"

    def table(self) -> str:
        """Jobs and expected time by stage, a line each."""
        rows = [f"{s:10} {self.jobs[s]:5} jobs {minutes(t):>12}" for s, t in self.seconds.items()]
        return "\n".join([*rows, self.sentence()])


def minutes(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@dataclass(frozen=True)
class Work:
    """The jobs that are to run: variants to train, variants to probe, studies to time, figures."""

    train: list[str]
    probe: list[str]
    time: list[str]
    plot: list[str]


def all_work(plan: Plan) -> Work:
    """Everything in the plan, on every device."""
    n = len(plan.devices)
    return Work([*plan.variants] * n, plan.probed, [*plan.studies] * n, plan.figures())


def expect(plan: Plan, work: Work, rates: Calibration, data: DataSize, cores: int) -> Expectation:
    """The cost of `work` on such a training set with `cores` jobs at once."""
    runs = [_run_seconds(plan, variant, rates, data) for variant in work.train]
    probes = [_probe_seconds(plan, variant, rates, data) for variant in work.probe]
    blocks = [_block_seconds(plan, study, rates, data) for study in work.time]
    figures = [rates.report * 1.2] * len(work.plot)
    return Expectation(
        seconds={
            "train": makespan([*runs, *probes], cores),
            "time": sum(blocks),
            "report": makespan(figures, cores) + 5 * rates.report,
        },
        jobs={"train": len(runs) + len(probes), "time": len(blocks), "report": len(figures) + 3},
        memory_bytes=_memory_bytes(plan, work, rates, data, cores),
        disk_bytes=BYTES_PER_RESULT * (len(runs) + len(blocks)) + BYTES_PER_IMAGE * data.images,
    )


def job_seconds(
    plan: Plan, rule: str, wildcards: Mapping[str, str], rates: Calibration, data: DataSize
) -> float:
    """Expected seconds of one job."""
    if rule == "time":
        return _block_seconds(plan, wildcards["study"], rates, data)
    if rule == "train":
        return _run_seconds(plan, wildcards["variant"], rates, data)
    if rule == "probe":
        return _probe_seconds(plan, wildcards["variant"], rates, data)
    return rates.report


def makespan(jobs: Iterable[float], workers: int) -> float:
    """Wall time of independent jobs on `workers` workers, longest first (Graham 1969)."""
    loads = [0.0] * max(workers, 1)
    for job in sorted(jobs, reverse=True):
        heapq.heapreplace(loads, loads[0] + job)
    return max(loads)


def compared(expected: float, taken: float) -> str:
    """One line for the end of a run, both in seconds."""
    return f"Took {minutes(taken)}; expected {minutes(expected)} ({taken / expected - 1:+.0%})."


def _memory_bytes(plan: Plan, work: Work, rates: Calibration, data: DataSize, cores: int) -> int:
    """The largest runs side by side, or a block: a process a thread setting and one to weigh."""

    def needed(batch_size: int) -> int:
        return rates.memory_bytes + BYTES_PER_BATCH_IMAGE * batch_size

    runs = sorted(needed(_batch_size(plan, variant, data)) for variant in work.train)
    blocks = [
        needed(max(_batch_size(plan, one, data) for one in plan.studies[study].variants))
        * (1 + len(plan.protocol(study).threads))
        for study in work.time
    ]
    return max([rates.memory_bytes, sum(runs[-cores:]), *blocks])


def _batch_size(plan: Plan, variant: str, data: DataSize) -> int:
    return batch_and_images(plan.variants[variant].hyperparameters, data.images)[0]


def _run_seconds(plan: Plan, variant: str, rates: Calibration, data: DataSize) -> float:
    chosen, budget = plan.variants[variant].hyperparameters, plan.budget(variant)
    batch_size, used = batch_and_images(chosen, data.images)
    asked = budget.epochs
    if data.is_sample:
        budget = budget.on_sample(data.images, chosen.train_size)
    epochs, trials = budget.epochs, budget.trials
    epochs += tuning_epochs(chosen, plan.config.tuning) * (budget.epochs / asked) / trials
    model = MODEL_COSTS.get(chosen.model, 1.0)
    training = used * epochs * (rates.image * model + rates.step / batch_size)
    evaluations = epochs * used / (budget.evaluate_every or used) + 2
    evaluated = data.validation * rates.evaluated_image * evaluations * model
    return rates.startup + rates.graph + trials * (training + evaluated)


def _probe_seconds(plan: Plan, variant: str, rates: Calibration, data: DataSize) -> float:
    probing = plan.config.probing
    training = _run_seconds(plan, variant, rates, data) / plan.budget(variant).trials
    drawn = 3 * (sum(probing.batch_sizes) * probing.draws + data.images) * rates.image
    return rates.startup + probing.trials * (training + drawn)


def _block_seconds(plan: Plan, study: str, rates: Calibration, data: DataSize) -> float:
    timing, chosen = plan.protocol(study), plan.studies[study]
    if data.is_sample:
        timing = timing.model_copy(update={"min_seconds": timing.sample_min_seconds})
    visits = []
    for subject in timing_subjects(chosen.variants.values()):
        batch_size, _ = batch_and_images(subject.hyperparameters, data.images)
        model = MODEL_COSTS.get(subject.hyperparameters.model, 1.0)
        step = batch_size * rates.image * model / rates.cores**0.7 + rates.step
        visits.append(visit_seconds(timing, step))
    anchors = 4 * timing.min_seconds
    readings = len(timing.threads)
    rounds = timing.rounds * (sum(visits) + anchors)
    return readings * (rates.startup + len(visits) * rates.graph * 1.5 + rounds * 1.1)
