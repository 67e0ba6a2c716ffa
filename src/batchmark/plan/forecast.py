"""What the work will take on this machine: expected beforehand, told while it runs."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from batchmark.contract.calibration import Calibration
from batchmark.contract.record import read_record, read_result
from batchmark.plan.plan import Plan
from batchmark.plan.work import (
    ASSUMED,
    MNIST_SIZE,
    DataSize,
    batch_and_images,
)

# To draw a figure takes a fifth of importing the libraries.
DRAWING = 0.2
# collect, analyze, judge, render and the start of Snakemake, in imports of the libraries.
BESIDE_FIGURES = 5
# Rules whose jobs have the machine to themselves.
ALONE = ("time", "profile")
# Of a run or a session of the default scale.
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
    """The jobs that are to run: variants to train or probe, studies to time or profile, figures."""

    train: list[str]
    probe: list[str]
    time: list[str]
    plot: list[str]
    profile: list[str] = field(default_factory=list)


def all_work(plan: Plan) -> Work:
    """Everything in the plan, on every device."""
    n = len(plan.devices)
    measured = ([*plan.variants] * n, plan.probed, plan.timed * n)
    return Work(*measured, plan.figures(), plan.profiled * n)


def expect(plan: Plan, work: Work, rates: Calibration, data: DataSize, cores: int) -> Expectation:
    """The cost of `work` on such a training set with `cores` jobs at once."""
    runs = [plan.run_load(variant, data).seconds(rates) for variant in work.train]
    probes = [plan.probe_load(variant, data).seconds(rates) for variant in work.probe]
    sessions = [plan.session_seconds(study, rates, data) for study in work.time]
    sessions += [plan.profile_seconds(study, rates, data) for study in work.profile]
    figures = [rates.job + DRAWING * rates.report] * len(work.plot)
    return Expectation(
        seconds={
            # One import serves all of them.
            "train": makespan([*runs, *probes], cores) + (rates.startup if runs else 0.0),
            "time": sum(sessions),
            "report": makespan(figures, cores) + BESIDE_FIGURES * rates.report,
        },
        jobs={"train": len(runs) + len(probes), "time": len(sessions), "report": len(figures) + 3},
        memory_bytes=_memory_bytes(plan, work, rates, data, cores),
        disk_bytes=BYTES_PER_RESULT * (len(runs) + len(sessions)) + BYTES_PER_IMAGE * data.images,
    )


def by_study(plan: Plan, rates: Calibration, data: DataSize, cores: int) -> dict[str, float]:
    """What each study adds to the wall seconds of its plan; a shared run is the first study's."""
    left, seconds = dict.fromkeys(plan.variants), dict.fromkeys(plan.studies, 0.0)
    for name, study in plan.studies.items():
        new = [variant for variant in study.variants if variant in left]
        left = {variant: None for variant in left if variant not in new}
        loads = [plan.run_load(variant, data) for variant in new]
        loads += [plan.probe_load(variant, data) for variant in study.probed if variant in new]
        seconds[name] += sum(load.seconds(rates) for load in loads) / cores
    for name in plan.timed:
        seconds[name] += plan.session_seconds(name, rates, data)
    for name in plan.profiled:
        seconds[name] += plan.profile_seconds(name, rates, data)
    return {name: len(plan.devices) * spent for name, spent in seconds.items()}


def job_seconds(
    plan: Plan, rule: str, wildcards: Mapping[str, str], rates: Calibration, data: DataSize
) -> float:
    """Expected seconds of one job."""
    if rule == "time":
        return plan.session_seconds(wildcards["study"], rates, data)
    if rule == "profile":
        return plan.profile_seconds(wildcards["study"], rates, data)
    if rule == "train":
        return plan.run_load(wildcards["variant"], data).seconds(rates)
    if rule == "probe":
        return plan.probe_load(wildcards["variant"], data).seconds(rates)
    return rates.report


def makespan(jobs: Iterable[float], workers: int) -> float:
    """Wall time of independent jobs on `workers` workers, longest first (Graham 1969)."""
    loads = [0.0] * max(workers, 1)
    # Each job goes to the worker that is free first.
    for job in sorted(jobs, reverse=True):
        heapq.heapreplace(loads, loads[0] + job)
    return max(loads)


def compared(expected: float, taken: float) -> str:
    """One line for the end of a run, both in seconds."""
    return f"Took {minutes(taken)}; expected {minutes(expected)} ({taken / expected - 1:+.0%})."


def _memory_bytes(plan: Plan, work: Work, rates: Calibration, data: DataSize, cores: int) -> int:
    """The largest runs side by side, or a session.

    That is two processes a thread setting and one to weigh, which share what they are forked from.
    """

    def needed(batch_size: int) -> int:
        return rates.memory_bytes + BYTES_PER_BATCH_IMAGE * batch_size

    runs = sorted(needed(_batch_size(plan, variant, data)) for variant in work.train)
    sessions = [
        needed(max(_batch_size(plan, variant, data) for variant in plan.studies[study].variants))
        * (1 + len(plan.protocol(study).threads))
        for study in work.time
    ]
    return max([rates.memory_bytes, sum(runs[-cores:]), *sessions])


def _batch_size(plan: Plan, variant: str, data: DataSize) -> int:
    return batch_and_images(plan.variants[variant].hyperparameters, data.images)[0]


Job = tuple[str, Mapping[str, str]]
"""A job's rule and its wildcards."""

# Expected on a slow machine: a minute or two on a current one.
WORTH_ANNOUNCING = 600.0


def work_of(jobs: Iterable[Job]) -> Work:
    """Sort jobs by what they measure."""
    listed = list(jobs)

    def named(rule: str, wildcard: str) -> list[str]:
        return [wildcards[wildcard] for name, wildcards in listed if name == rule]

    return Work(
        train=named("train", "variant"),
        probe=named("probe", "variant"),
        time=named("time", "study"),
        plot=named("plot", "figure"),
        profile=named("profile", "study"),
    )


def is_long(plan: Plan, work: Work, facts: Path, cores: int) -> bool:
    """Whether the work takes long enough to be worth a few seconds of calibration."""
    return expect(plan, work, ASSUMED, _size(plan, facts), cores).total >= WORTH_ANNOUNCING


def expectation(plan: Plan, work: Work, calibration: Path, facts: Path, cores: int) -> Expectation:
    """The expected cost of `work`.

    Raises UserError when the calibration or the dataset's record is damaged.
    """
    rates = read_result(calibration, Calibration)
    return expect(plan, work, rates, _size(plan, facts), cores)


def studies_table(plan: Plan, calibration: Path, facts: Path, cores: int) -> str:
    """A line a study, the dearest first: its variants, and what it adds to the time."""
    rates = read_result(calibration, Calibration)
    seconds = by_study(plan, rates, _size(plan, facts), cores)
    width = max(map(len, seconds))
    return "\n".join(
        f"{name:{width}} {len(plan.studies[name].variants):5} variants {minutes(spent):>12}"
        for name, spent in sorted(seconds.items(), key=lambda item: -item[1])
    )


def expected_by_job(
    plan: Plan, jobs: Mapping[int, Job], calibration: Path, facts: Path, cores: int
) -> dict[int, float]:
    """Wall seconds that each job adds to the run: all of a session's, else a core's share."""
    rates, data = read_result(calibration, Calibration), _size(plan, facts)
    return {
        id_: job_seconds(plan, rule, wildcards, rates, data) / (1 if rule in ALONE else cores)
        for id_, (rule, wildcards) in jobs.items()
    }


def _size(plan: Plan, facts: Path) -> DataSize:
    """Of the data; before they are read, own data's by their labels, else MNIST's."""
    if not facts.exists():
        return plan.own_data_size() or MNIST_SIZE
    data = read_record(facts).facts
    return DataSize(data.train, data.validation, data.is_sample)
