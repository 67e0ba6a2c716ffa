"""Messages to the stages: closed, JSON, and nothing that a stage does not use.

A job is rerun when its request changes, so a request holds exactly what can change its result.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Brief, Hyperparameters
from batchmark.contract.record import Record, Slug, first_problem


class Request(BaseModel):
    """A closed, immutable message to a stage."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Brief


class RecordedVariant(Record):
    """The same in a result, every hyperparameter said."""

    id: Slug
    hyperparameters: Hyperparameters


Asked = TypeVar("Asked", bound=Request)


def read_request(path: Path, schema: type[Asked]) -> Asked:
    """The request in a file; UserError naming file, key and reason when it is not valid."""
    try:
        return schema.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise UserError(f"{path} is refused: {first_problem(error)}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
