"""What `probe` is asked for."""

from batchmark.contract.devices import Device
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Request, Variant


class ProbeRequest(Request):
    """Gradient probes of one variant: `draws` mini-batches at each size, at three moments."""

    variant: Variant
    machine: str
    device: Device
    budget: Budget
    batch_sizes: list[int]
    draws: int
    trials: int
