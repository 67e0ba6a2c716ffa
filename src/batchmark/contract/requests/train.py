"""What `train` is asked for."""

from batchmark.contract.devices import Device
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Request, Variant


class TuningGrid(Request):
    """The log grid of `learning_rate: tuned`, and the epochs of the rates that are left last."""

    low: float
    high: float
    points: int
    epochs: float
    seed: int


def rungs(points: int) -> list[tuple[int, float]]:
    """How many of `points` rates are trained for which share of the tuning's epochs, in order."""
    return [(-(-points // part), part / 4) for part in (1, 2, 4)]


class Racing(Request):
    """Seeds beyond the budget's, one by one until the epochs to the targets are known.

    `trials_at_most`: seeds in all. `precision`: half of the 95 % interval, relative; see
    `training.racing`. `targets`: the main validation accuracies to be known, by dataset.
    """

    trials_at_most: int
    precision: float
    targets: dict[str, list[float]]


class TrainRequest(Request):
    """All trials of one variant on one device; `racing` None: no more than the budget says.

    `sources`: digest of the code, which a checkpoint must have been made with to be gone on from.
    """

    variant: Variant
    machine: str
    device: Device
    budget: Budget
    tuning: TuningGrid | None
    racing: Racing | None = None
    sources: str = ""
