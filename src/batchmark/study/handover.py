"""Handing a request to a stage through a file whose name tells its content."""

from pathlib import Path

from batchmark.contract.requests.message import Request
from batchmark.results.atomic import write_text
from batchmark.study.naming import digest


def save(request: Request, folder: Path) -> Path:
    """Write `request` below `folder` unless it is there; the same content has the same path.

    The folder is for this user alone: addresses in requests may hold passwords.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind = type(request).__name__.removesuffix("Request").removesuffix("For").lower()
    path = folder / f"{kind}-{digest(request.model_dump(mode='json'), 16)}.json"
    if not path.exists():
        write_text(path, request.model_dump_json(indent=1) + "\n")
    return path
