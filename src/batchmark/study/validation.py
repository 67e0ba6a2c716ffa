"""Turning a schema's complaint into one sentence: file, key path, value, what is allowed."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from batchmark.errors import UserError

Schema = TypeVar("Schema", bound=BaseModel)


def check(schema: type[Schema], content: Mapping[str, Any], where: str) -> Schema:
    """Validate `content`; raises UserError, one sentence that starts with `where`."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{where}: {_sentence(error, schema)}") from error


def _sentence(error: ValidationError, schema: type[BaseModel]) -> str:
    # A misspelt key explains a missing one better than the reverse.
    problems = sorted(error.errors(include_url=False), key=lambda p: p["type"] == "missing")
    problem, path = problems[0], _path(problems[0])
    key = ".".join(_cut(part) for part in path) or "top level"
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}{_suggest(path, schema)}."
    if problem["type"] == "missing":
        return f"{key} is missing."
    # A union complains once per alternative; together they say what is allowed.
    allowed = dict.fromkeys(_allowed(p) for p in problems if _path(p)[: len(path)] == path)
    return f"{key} = {shorten(problem['input'])}: {' or '.join(allowed)}."


def _path(problem: Any) -> list[str]:
    return [str(part) for part in problem["loc"] if not _is_branch(str(part))]


def _is_branch(part: str) -> bool:
    """Whether pydantic put the part in to name a branch of a union, not a key."""
    return part.startswith(("constrained-", "literal[", "function-", "list[")) or part in {
        "int",
        "float",
        "str",
        "dict",
        "list",
        "StudyEntry",
        "PublishConfig",
    }


def _allowed(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should", "should")
    if isinstance(problem["input"], str) and _is_number(problem["input"]):
        return f"{message}; YAML reads this as text, write it as in 0.001 or 1.0e-3"
    return message


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _suggest(path: Sequence[str], schema: type[BaseModel]) -> str:
    fields = _fields_at(path[:-1], schema)
    close = difflib.get_close_matches(path[-1], fields, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; allowed are {', '.join(fields)}" if fields else ""


def _fields_at(path: Sequence[str], schema: type[BaseModel]) -> list[str]:
    for part in path:
        field = schema.model_fields.get(part)
        nested = field and _model_in(field.annotation)
        if not nested:
            continue
        schema = nested
    return list(schema.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model class inside a possibly nested annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found:
            return found
    return None


def shorten(value: Any) -> str:
    """The value as a message shows it, at most 60 characters."""
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
