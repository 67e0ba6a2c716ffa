"""Messages to the stages: closed, JSON, and nothing that a stage does not use.

A job is rerun when its request changes, so a request holds exactly what can change its result.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Brief
from batchmark.contract.record import first_problem


class Request(BaseModel):
    """A closed, immutable message to a stage."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Brief


Asked = TypeVar("Asked", bound=Request)


def read_request(path: Path, schema: type[Asked]) -> Asked:
    """The request in a file; UserError naming file, key and reason when it is not valid."""
    try:
        return schema.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise UserError(f"{path} is refused: {first_problem(error)}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
