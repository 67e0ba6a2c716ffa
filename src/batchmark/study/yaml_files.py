"""Reading YAML that may come from a stranger: safe, bounded, without aliases or repeated keys."""

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
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected keys and values, found {type(content).__name__}.")
    if CODE in content:
        raise UserError(f"{path}: {CODE} = {content[CODE]}: Snakemake would run code; remove it.")
    return content


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
