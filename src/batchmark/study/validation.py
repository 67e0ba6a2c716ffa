"""Turning a schema's complaint into one sentence: file, key path, value, what is allowed."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from batchmark.errors import UserError

Schema = TypeVar("Schema", bound=BaseModel)


class ConfigError(UserError):
    """A mistake in a configuration: the key it is about, and what is wrong there."""

    def __init__(self, where: str, key: Sequence[str], problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.key = tuple(key)
        self.problem = problem


def check(schema: type[Schema], content: Mapping[str, Any], where: str) -> Schema:
    """Validate `content`; raises ConfigError, one sentence that starts with `where`."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise _explained(error, schema, content, where) from error


def _explained(
    error: ValidationError, schema: type[BaseModel], content: Mapping[str, Any], where: str
) -> ConfigError:
    # A misspelt key explains a missing one better than the reverse.
    problems = sorted(error.errors(include_url=False), key=lambda p: p["type"] == "missing")
    problem, path = problems[0], _path(problems[0], content)
    key = ".".join(_cut(part) for part in path) or "top level"
    if problem["type"] == "extra_forbidden":
        return ConfigError(where, path, f"unknown key {key}{_suggest(path, schema)}.")
    if problem["type"] == "missing":
        return ConfigError(where, path, f"{key} is missing.")
    # A union complains once per alternative; together they say what is allowed.
    alike = [p for p in problems if _path(p, content)[: len(path)] == path]
    allowed = " or ".join(dict.fromkeys(_allowed(p) for p in alike))
    return ConfigError(where, path, f"{key} = {shorten(problem['input'])}: {allowed}.")


def _path(problem: Any, content: Any) -> list[str]:
    """The keys of `content` that lead to the problem: pydantic names branches of unions too."""
    path: list[str] = []
    for part in problem["loc"]:
        if isinstance(content, Mapping) and part in content:
            content = content[part]
        elif isinstance(content, list) and isinstance(part, int):
            content = content[part] if part < len(content) else None
        elif problem["type"] != "missing" or part != problem["loc"][-1]:
            continue
        path.append(str(part))
    return path


def _allowed(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should", "should")
    if problem["type"] == "string_type" and isinstance(problem["input"], int | float | date):
        return f"{message}; put it in quotes"
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
