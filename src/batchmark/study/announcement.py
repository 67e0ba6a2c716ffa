"""What a run says at its start and at its end about the time it takes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from batchmark.dataset.record import read_record
from batchmark.results.calibration import Calibration
from batchmark.results.schema import read_result
from batchmark.study.cost import MNIST, DataSize
from batchmark.study.expectation import Expectation, Work, expect, job_seconds
from batchmark.study.plan import Plan

Job = tuple[str, Mapping[str, str]]
"""A job's rule and its wildcards."""

WORTH_ANNOUNCING = 20


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
    )


def is_long(work: Work) -> bool:
    """Whether a run measures enough for its cost to be worth a few seconds of calibration."""
    return len(work.train) + len(work.time) + len(work.probe) >= WORTH_ANNOUNCING


def expectation(plan: Plan, work: Work, calibration: Path, facts: Path, cores: int) -> Expectation:
    """The expected cost of `work`.

    Raises UserError when the calibration or the dataset's record is damaged.
    """
    rates = read_result(calibration, Calibration)
    return expect(plan, work, rates, _size(facts), cores)


def expected_by_job(
    plan: Plan, jobs: Mapping[int, Job], calibration: Path, facts: Path, cores: int
) -> dict[int, float]:
    """Wall seconds that each job adds to the run: all of a timing block's, else a core's share."""
    rates, data = read_result(calibration, Calibration), _size(facts)
    return {
        id_: job_seconds(plan, rule, wildcards, rates, data) / (1 if rule == "time" else cores)
        for id_, (rule, wildcards) in jobs.items()
    }


def _size(facts: Path) -> DataSize:
    """Of the data; before the download, MNIST's is assumed."""
    if not facts.exists():
        return MNIST
    found = read_record(facts).facts
    return DataSize(found.train, found.validation, found.is_sample)
