"""What `collect` is asked for."""

from pydantic import Field

from batchmark.contract.devices import Device
from batchmark.contract.requests.message import Request, Variant


class CollectRequest(Request):
    """Which results belong to the plan. `studies` maps a study's name to its variants' ids.

    `timed` and `profiled` name those that are. Results of other machines that lie beside are
    collected for the same variants.
    """

    machine: str
    devices: list[Device]
    studies: dict[str, list[str]]
    variants: list[Variant]
    timed: list[str]
    probed: list[str]
    profiled: list[str] = Field(default=[])
