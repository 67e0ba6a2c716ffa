"""`results/{machine}/calibration.json`: a short measurement that costs are estimated from."""

from typing import Annotated, Literal

from pydantic import Field

from batchmark.contract.record import Count, ResultFile

Seconds = Annotated[float, Field(ge=0)]


class Calibration(ResultFile):
    """What work costs here with all cores busy, LeNet-5, one thread a process. Units: seconds.

    `startup`: until a process can train; `job`: until a fork of one can; `report`: a process that
    imports the plotting libraries; all three of the processor, for the disk is waited for once.
    `graph`: tracing a training graph or compiling kernels. Training takes `image` per image plus
    `step` per step, evaluation `evaluated_image` per image; the same with kernels.
    `memory_bytes`: the most that a process occupies.
    """

    schema_version: Literal["batchmark.calibration/5"] = "batchmark.calibration/5"
    cores: Count
    startup: Seconds
    job: Seconds
    graph: Seconds
    image: Seconds
    step: Seconds
    evaluated_image: Seconds
    kernel_image: Seconds
    kernel_step: Seconds
    kernel_evaluated_image: Seconds
    report: Seconds
    memory_bytes: Count
