"""`results/{machine}/{device}/profiles/{study}.json`: where the time of training steps goes."""

from typing import Literal

from pydantic import Field

from batchmark.contract.devices import Device
from batchmark.contract.record import Count, DatasetFacts, Details, Record, ResultFile, Slug

Part = Literal["forward", "backward", "update", "between"]


class PartOfStep(Record):
    """What a step spends on one part of it, and there on one layer; empty: on none in particular.

    `products`: in convolutions and matrix products. `between`: while no recorded operation ran.
    """

    part: Part
    layer: str
    products: bool
    seconds: float


class StepProfile(Record):
    """One variant's step, from a trace of `steps` of them.

    `seconds_per_step`: without the profiler; `parts` add up to `traced_seconds_per_step`. With a
    `message` there is no profile.
    """

    variant: Slug
    batch_size: Count = 0
    steps: Count = 0
    seconds_per_step: float = 0.0
    traced_seconds_per_step: float = 0.0
    parts: list[PartOfStep] = Field(default=[])
    message: str = ""


class ProfileResult(ResultFile):
    """All profiles of a study. `threads`: intra-op threads, 0 on a card."""

    schema_version: Literal["batchmark.profile/1"] = "batchmark.profile/1"
    study: Slug
    machine: Slug
    device: Device
    dataset: DatasetFacts
    environment: Details
    threads: Count
    profiles: list[StepProfile]
