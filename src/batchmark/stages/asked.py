"""Reading what a stage is asked to do."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from batchmark.contract.requests.message import Request
from batchmark.errors import UserError
from batchmark.results.schema import first_problem

Asked = TypeVar("Asked", bound=Request)


def parse_request(text: str, schema: type[Asked], source: str = "--request") -> Asked:
    """The request in `text`; UserError naming `source`, key and reason when it is not valid."""
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"{source} is refused: {first_problem(error)}.") from error


def read_request(path: Path, schema: type[Asked]) -> Asked:
    """The request in a file; UserError when it cannot be read or is not valid."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    return parse_request(text, schema, str(path))
