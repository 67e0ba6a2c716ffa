"""What `profile` is asked for."""

from batchmark.contract.devices import Device
from batchmark.contract.requests.message import Request, Variant


class ProfileRequest(Request):
    """Traces of a study's training steps. `threads`: 0 means all cores."""

    study: str
    machine: str
    device: Device
    variants: list[Variant]
    threads: int
