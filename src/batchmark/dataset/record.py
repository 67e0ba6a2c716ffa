"""`data/mnist.json`: which data serve, where they came from, and how to recognise them."""

from pathlib import Path
from typing import Literal

from batchmark.results.schema import DatasetFacts, Record, ResultFile, read_result


class MirrorProblem(Record):
    """A mirror that did not serve, and why."""

    mirror: str
    reason: str


class DatasetRecord(ResultFile):
    """The data's facts and origin. No date and no local path, so equal data give equal files.

    `sums`: SHA-256 of the unpacked files (or of the arrays of an npz) by name. `problems`: the
    mirrors tried before `source` served. `stands_in_for`: the dataset that could not be had when
    the embedded sample serves instead, else null.
    """

    schema_version: Literal["batchmark.dataset/2"] = "batchmark.dataset/2"
    facts: DatasetFacts
    source: str
    sums: dict[str, str]
    problems: tuple[MirrorProblem, ...] = ()
    stands_in_for: str | None = None


def read_record(path: Path) -> DatasetRecord:
    """Read and validate `data/mnist.json`; raises UserError."""
    return read_result(path, DatasetRecord)
