"""What all result files have in common: closed schemas, finite numbers, errors in a sentence."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from batchmark.contract.errors import UserError
from batchmark.contract.files import is_intact, read_bounded, sealed, write_bytes

# What a cell or a sentence of the page can show.
LONGEST_TEXT = 10_000
# A float holds it, and any axis or cell.
LARGEST_INTEGER = 10**300
# Of a free-form part; an environment has some hundred.
MOST_VALUES = 10_000


def finite(content: Any) -> Any:
    """Refuse what JSON can spell and a page cannot show: 1e999, a text or a number without end."""
    for count, value in enumerate(_values(content), 1):
        if count > MOST_VALUES:
            raise ValueError(f"there are more than {MOST_VALUES:,} values in it")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError("a number is not finite")
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise ValueError("a number has too many digits")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ValueError(f"a text is longer than {LONGEST_TEXT:,} characters")
    return content


def _values(content: Any) -> Iterator[Any]:
    """All keys and values, of nested mappings and lists too."""
    if isinstance(content, dict):
        yield from content
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _values(part)
    else:
        yield content


SAMPLE = "sample"
# A run of ten thousand evaluations and fifty seeds stays below.
LARGEST_FILE = 256 * 2**20
REMEDY = (
    "Delete the file and run again to measure it anew; another machine's, copy again or make with "
    "this version of batchmark."
)


def _slug(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        return text
    raise ValueError(
        "should be 1 to 100 letters, digits, dots, hyphens and underscores, the first a letter or "
        "a digit"
    )


Slug = Annotated[str, AfterValidator(_slug)]
# Within what a float holds exactly, so that any count fits any column.
Count = Annotated[int, Field(ge=0, le=2**53)]
Share = Annotated[float, Field(ge=0, le=1)]


Details = Annotated[dict[str, Any], AfterValidator(finite)]


class Record(BaseModel):
    """A closed, immutable part of a result file, with short texts and finite numbers."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        strict=False,
        str_max_length=LONGEST_TEXT,
    )


class ResultFile(Record):
    """A whole file. `digest`: of its content, see `seal`; empty before it is written."""

    digest: str = ""


class ResultWarning(Record):
    """Something that makes results less trustworthy; `code` is stable, `text` a sentence."""

    code: str
    subject: str = ""
    text: str


class DatasetFacts(Record):
    """The data a result was made on. `digest` identifies pixels, labels and split.

    `notes`: what was allowed and yet may be a mistake.
    """

    name: str
    digest: str
    train: Count
    validation: Count
    test: Count
    image_shape: tuple[Count, Count, Count]
    classes: Count
    notes: tuple[ResultWarning, ...] = ()

    @property
    def is_sample(self) -> bool:
        """Whether these are the digits embedded in batchmark."""
        return self.name == SAMPLE


Result = TypeVar("Result", bound=ResultFile)


def read_result(path: Path, schema: type[Result]) -> Result:
    """Read and validate a result file.

    Raises UserError naming the file and the reason when it is unreadable, truncated, of another
    schema or version, holds a value out of range, or was edited after it was written.
    """
    content = read_bounded(path, LARGEST_FILE)
    try:
        _refuse_constants(content)
        result = schema.model_validate_json(content)
    except ValidationError as error:
        raise UserError(f"{path} is refused: {first_problem(error)}. {REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is refused: not valid JSON ({error}). {REMEDY}") from error
    if not is_intact(content):
        raise UserError(f"{path} is refused: edited after it was written. {REMEDY}")
    return result


def write_result(path: Path, result: ResultFile) -> None:
    """Write a result file atomically, with the digest of its content."""
    content = result.model_dump_json(indent=1, exclude={"digest"})
    write_bytes(path, sealed(content.encode()))


def first_problem(error: ValidationError) -> str:
    """The first validation problem as `key.path: what is wrong, found the value`."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"]) or "top level"
    reason = problem["msg"].removeprefix("Value error, ")
    sentence = f"{key if len(key) <= 200 else key[:197] + '...'}: {reason}"
    if isinstance(problem["input"], dict | bytes):
        return sentence
    value = repr(problem["input"])
    return f"{sentence}, found {value if len(value) <= 60 else value[:57] + '...'}"


def _refuse_constants(content: bytes) -> None:
    """Raise ValueError where NaN or an infinity stands for a number, also in free-form parts.

    The scan for the words comes first because a second parse costs as much as the reading.
    """
    if b"NaN" in content or b"Infinity" in content:
        json.loads(content, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


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
