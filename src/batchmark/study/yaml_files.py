"""Reading YAML that may come from a stranger: safe, bounded, without aliases or repeated keys."""

import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

from batchmark.errors import UserError
from batchmark.reading import read_bounded

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
