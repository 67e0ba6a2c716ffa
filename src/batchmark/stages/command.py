"""What the command lines of all stages have in common: requests read, errors in one sentence."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from batchmark.contract.errors import UserError
from batchmark.contract.record import first_problem
from batchmark.contract.requests.message import Request
from batchmark.machine.garbage import collect_seldom

Asked = TypeVar("Asked", bound=Request)


def read_request(path: Path, schema: type[Asked]) -> Asked:
    """The request in a file; UserError naming file, key and reason when it is not valid."""
    try:
        return schema.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise UserError(f"{path} is refused: {first_problem(error)}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def run(main: Callable[[], None]) -> None:
    """Run a stage; what the user can mend ends as one line on stderr and exit status 1."""
    collect_seldom()
    try:
        main()
    except UserError as error:
        sys.exit(f"batchmark: {error}")
    except OSError as error:
        # A full disk, a read-only or removed folder: nothing a traceback would explain better.
        sys.exit(f"batchmark: {error.filename or 'a file'}: {error.strerror or error}.")
