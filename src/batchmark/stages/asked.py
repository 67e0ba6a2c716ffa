"""Reading what a stage is asked to do."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from batchmark.contract.requests.message import Request
from batchmark.errors import UserError
from batchmark.results.schema import first_problem

Asked = TypeVar("Asked", bound=Request)


def read_request(path: Path, schema: type[Asked]) -> Asked:
    """The request in a file; UserError naming file, key and reason when it is not valid."""
    try:
        return schema.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise UserError(f"{path} is refused: {first_problem(error)}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
