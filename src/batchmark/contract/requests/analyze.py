"""What `analyze` is asked for."""

from typing import Any

from pydantic import Field

from batchmark.contract.requests.message import Request


class StudyForAnalysis(Request):
    """A study as the statistics see it. `baseline` is the id of a variant of the study.

    `settings` maps each variant's id to the values of the study's axes, `trials` to how many seeds
    of it count at most. `published`: the variants that redo the published table. `targets` are the
    study's own, by dataset, first the main one.
    """

    name: str
    baseline: str
    axes: list[str]
    settings: dict[str, dict[str, Any]]
    epochs: float
    trials: dict[str, int]
    published: list[str]
    targets: dict[str, list[float]] = Field(default={})


class AnalyzeRequest(Request):
    """Everything the statistics depend on. Targets are validation accuracies by dataset name.

    `targets[dataset][0]` is the main target; the others are for the sensitivity table.
    """

    machine: str
    targets: dict[str, list[float]]
    studies: list[StudyForAnalysis]
