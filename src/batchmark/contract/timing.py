"""`results/{machine}/{device}/timings/{study}.json`: every raw timing with round and order."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from batchmark.contract.devices import Device
from batchmark.contract.record import (
    Count,
    DatasetFacts,
    Details,
    Record,
    ResultFile,
    ResultWarning,
    Slug,
)

Role = Literal["baseline", "control", "subject"]


class Subject(Record):
    """What was timed: one training graph at one thread setting, and the variants it stands for.

    With a `message` it could not be timed: it has no visits and its numbers are 0.
    `trace_seconds`: building model and graph; `compile_seconds`: what the first step took longer
    than the same step again, 0 without XLA; `first_step_seconds`: the first step apart from that.
    `flops_per_step`: convolutions and matrix products, forward and backward.

    `id` is unique in the file. `threads` is the number of intra-op threads (0 on a GPU).
    `loop`: what trains, the engine's `graph` or another; `steps_per_execution`: Keras's, 0 without.
    `control` is the A/A control, the baseline timed once more. `peak_memory_bytes`: weights,
    optimizer state, and the process's high-water mark over its state before training.
    """

    id: Slug
    variants: list[Slug]
    threads: Count
    role: Role
    batch_size: Count
    steps_per_epoch: Count
    examples_per_epoch: Count
    trace_seconds: float
    compile_seconds: float
    first_step_seconds: float
    flops_per_step: float | None
    peak_memory_bytes: Count | None
    loop: str = "graph"
    steps_per_execution: Count = 0
    message: str = ""


class Visit(Record):
    """One clock reading: `steps` steps took `elapsed_ns`, started `start_ns` into the session.

    `process`: which of the session's processes took the steps. `taken_ns`: how long cores were not
    its own, idle or taken, summed over the threads' cores; 0 on a GPU. `repeated`: another visit
    of the round counts in its place.
    """

    subject: Slug
    round: Count
    order: Count
    process: Count
    steps: Count
    start_ns: Count
    elapsed_ns: Count
    taken_ns: Count
    repeated: bool


class LoneRun(Record):
    """Training alone on all cores, to check epochs times seconds per epoch.

    `seconds`: of training, evaluations apart, up to the first evaluation that reached `target`,
    after `epochs`; where it is not `reached`, to the end of the budget. With a `message` it failed.
    """

    variant: Slug
    seed: Count
    target: float
    epochs: float
    seconds: float
    reached: bool
    message: str = ""


class Clock(Record):
    """Which clock was read, and the smallest difference that it can show."""

    name: str
    resolution_seconds: Annotated[float, Field(gt=0)]


class TimingResult(ResultFile):
    """A whole timing session.

    `started`: when the first round began, UTC. `gpus`: what the GPUs said after each round.

    All thread settings share its rounds, its one baseline and the A/A control. The rounds take
    turns between fresh processes; the control is always in another one than the baseline.
    `peak_flops_per_second`: of a float32 matrix product, by number of threads ("0" on a GPU).
    `largest_batch_size`: predicted to fit memory, by subject id as requested.
    """

    schema_version: Literal["batchmark.timing/5"] = "batchmark.timing/5"
    study: Slug
    machine: Slug
    device: Device
    dataset: DatasetFacts
    started: AwareDatetime
    clock: Clock
    baseline: Slug
    control: Slug
    peak_flops_per_second: dict[str, float]
    subjects: list[Subject]
    visits: list[Visit]
    lone_runs: list[LoneRun]
    before: Details
    gpus: list[Details]
    after: Details
    environment: Details
    largest_batch_size: dict[str, int | None]
    warnings: list[ResultWarning]

    @model_validator(mode="after")
    def _visits_name_subjects(self) -> "TimingResult":
        known = {subject.id for subject in self.subjects}
        unknown = {visit.subject for visit in self.visits} - known
        if unknown or not {self.baseline, self.control} <= known:
            raise ValueError("a visit, the baseline or the control names no subject of this file")
        return self
