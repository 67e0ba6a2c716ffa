"""Reading what a user wrote: strict YAML, and a schema's complaint in one sentence."""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from batchmark.contract.errors import UserError
from batchmark.contract.files import read_bounded

# A configuration is written by hand; YAML can make much of little.
LARGEST_FILE = 1_000_000
# The key by which a file asks Snakemake to run the Python expressions in it, a YTE template.
CODE = "__use_yte__"


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses what makes a configuration ambiguous or explosive."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "anchors and aliases are not allowed; write the value out"
            _refuse(problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                problem = f"the key {key.value!r} appears twice or is not text"
                _refuse(problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        """Refuse what YAML 1.1 reads as another number than it shows: 1:30 as 90, 010 as 8."""
        value = super().construct_yaml_int(node)
        if ":" in node.value or re.fullmatch(r"[-+]?0[0-7_]+", node.value):
            problem = f"YAML reads {node.value} as {value}; write the number or put it in quotes"
            _refuse(problem, node.start_mark)
        return value

    def construct_yaml_float(self, node: Any) -> float:
        """The same for 1:30.5."""
        value = super().construct_yaml_float(node)
        if ":" in node.value:
            problem = f"YAML reads {node.value} as {value}; write the number or put it in quotes"
            _refuse(problem, node.start_mark)
        return value


for _kind in ("int", "float"):
    _StrictLoader.add_constructor(
        f"tag:yaml.org,2002:{_kind}", getattr(_StrictLoader, f"construct_yaml_{_kind}")
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping. Raises UserError naming file, line and what is wrong."""
    text = _read_text(path)
    try:
        content = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a safe loader, made stricter
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML{_describe(error)}.") from error
    except (RecursionError, ValueError) as error:
        raise UserError(f"{path}: not valid YAML ({type(error).__name__}).") from error
    if content is None:
        raise UserError(f"{path}: holds nothing, which Snakemake refuses; write {{}} into it.")
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected keys and values, found {type(content).__name__}.")
    if CODE in content:
        raise UserError(f"{path}: {CODE} = {content[CODE]}: Snakemake would run code; remove it.")
    return content


def read_scalar(text: str) -> Any:
    """What a value means where it stands alone in a YAML file; itself where that is an error."""
    try:
        value = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, RecursionError, ValueError):
        return text
    return text if isinstance(value, dict | list) else value


def whole_text(text: str) -> str:
    """The text, characters that were escaped as two halves joined, as JSON writers escape emoji.

    Raises UserError for half a character, which no file can hold.
    """
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise UserError(f"config: {text!a}: holds half a character; write it out.") from error


def _refuse(problem: str, mark: Any) -> NoReturn:
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _read_text(path: Path) -> str:
    try:
        return read_bounded(path, LARGEST_FILE).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8."
        ) from error


def _describe(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f" ({' '.join(str(error).split())[:120]})"
    hint = "; indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
    return f", line {error.problem_mark.line + 1}: {error.problem}{hint}"


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
    allowed = " or ".join(dict.fromkeys(_wanted(str(p["msg"])) for p in alike))
    hint = next(filter(None, map(_hint, alike)), "")
    return ConfigError(where, path, f"{key} = {shorten(problem['input'])}: {allowed}{hint}.")


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


def _wanted(message: str) -> str:
    """What pydantic says is wanted, in the words of YAML."""
    said = message.removeprefix("Value error, ").replace("Input should", "should")
    said = said.replace("Keys should be strings", "keys should be text; put them in quotes")
    said = re.sub(r"^\w+ (should have .*?)( after validation, not \d+)?$", r"\1", said)
    return said.replace("be a valid dictionary", "be keys with values, as in {a: 1}")


def _hint(problem: Any) -> str:
    """What YAML makes of values that are not what they look like."""
    if problem["type"] == "string_type" and isinstance(problem["input"], int | float | date):
        return "; put it in quotes"
    if isinstance(problem["input"], str) and _is_number(problem["input"]):
        return "; YAML reads this as text, write it as in 0.001, 1.0e-3 or 1.0e+3"
    return ""


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
        model = _model_in(argument)
        if model:
            return model
    return None


def shorten(value: Any) -> str:
    """The value as a message shows it, at most 60 characters."""
    # YAML's dates look the same there.
    return _cut(str(value) if isinstance(value, date) else repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
