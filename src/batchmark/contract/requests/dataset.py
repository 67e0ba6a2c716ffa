"""What `download` is asked for."""

from typing import Literal

from batchmark.contract.requests.message import Request


class DatasetRequest(Request):
    """Which data to get. `path` (npz or folder of IDX files) replaces the mirrors when set.

    `mirrors` None: those of the data set of that name.

    `validation`: images split off the end of the training set. `fallback: sample` serves the
    embedded sample when no mirror can be had.
    """

    name: str
    path: str | None
    mirrors: list[str] | None
    fallback: Literal["sample", "none"]
    connect_timeout: float
    read_timeout: float
    validation: int | float | None
