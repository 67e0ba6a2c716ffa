"""What `train` is asked for."""

from batchmark.contract.record import Device
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Request, Variant


class TuningGrid(Request):
    """The log grid of `learning_rate: tuned` and the budget of each of its points."""

    low: float
    high: float
    points: int
    epochs: float
    seed: int


class TrainRequest(Request):
    """All trials of one variant on one device.

    `sources`: digest of the code, which a checkpoint must have been made with to be gone on from.
    """

    variant: Variant
    machine: str
    device: Device
    budget: Budget
    tuning: TuningGrid | None
    sources: str = ""
