"""What a run says at its start and at its end about the time it takes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from batchmark.dataset.record import read_record
from batchmark.results.calibration import Calibration
from batchmark.results.schema import read_result
from batchmark.study.cost import MNIST_TRAINING_IMAGES
from batchmark.study.expectation import Expectation, Work, expect
from batchmark.study.plan import Plan

WORTH_ANNOUNCING = 20


def work_of(jobs: Iterable[tuple[str, Mapping[str, str]]]) -> Work:
    """Sort jobs, given as rule name and wildcards, by what they measure."""
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


def expectation(plan: Plan, work: Work, calibration: Path, facts: Path) -> Expectation:
    """The expected cost of `work`; before the download, MNIST's size is assumed.

    Raises UserError when the calibration or the dataset's record is damaged.
    """
    images = read_record(facts).facts.train if facts.exists() else MNIST_TRAINING_IMAGES
    return expect(plan, work, read_result(calibration, Calibration), images)
