"""What `render` is asked for."""

from typing import Any

from batchmark.contract.requests.message import Request

# Stands for a path that would name a user or a machine.
ELSEWHERE = "…"


class StudyForReport(Request):
    """A study's words, by the code of a language of the page."""

    name: str
    question: dict[str, str]
    description: dict[str, str]


class RenderRequest(Request):
    """Everything the page shows that is not a result.

    `lock_digest`: SHA-256 of the lock file. `partial`: it is a page of what there is, no report.
    `config`, `config_files`: what of them may leave the machine, see `study.published`.
    """

    scale: str
    studies: list[StudyForReport]
    config_files: list[str]
    config: dict[str, Any]
    lock_digest: str = ""
    partial: bool = False
