"""Which source code a stage depends on, computed from imports.

The digest of a module is taken from its syntax tree without docstrings: comments, docstrings and
formatting do not make anything run again. Modules that are chosen by name (models, optimizers,
normalizations, figures) are not imported statically and are added for the variants that use them.
"""

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from batchmark.errors import UserError

PACKAGE = "batchmark"


def fingerprint(roots: Iterable[str]) -> str:
    """`module:digest` for every module that `roots` import, directly or not, sorted by name."""
    names = sorted({name for root in roots for name in closure(root)})
    return " ".join(f"{name}:{_digest(name)}" for name in names)


@functools.cache
def closure(root: str) -> frozenset[str]:
    """The module `root` and all modules of its top-level package that it imports, transitively.

    Raises UserError when `root` cannot be found.
    """
    if _path(root) is None:
        raise UserError(f"the module {root} cannot be found; is its folder on PYTHONPATH?")
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name, _tops(root)))
    return frozenset(found)


def _tops(root: str) -> frozenset[str]:
    return frozenset({root.partition(".")[0], PACKAGE})


@functools.cache
def _imports(name: str, tops: frozenset[str]) -> tuple[str, ...]:
    """The modules of the packages `tops` that the source of `name` imports."""
    wanted = dict.fromkeys(_named_in(module_tree(name), _package_of(name)))
    return tuple(
        module
        for module in wanted
        if module.partition(".")[0] in tops and _path(module) is not None
    )


def _named_in(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, node.module] if node.module else parents)


def _package_of(name: str) -> str:
    path = _path(name)
    return name if path and path.name == "__init__.py" else name.rpartition(".")[0]


@functools.cache
def module_tree(name: str) -> ast.Module:
    """The syntax tree of a module; raises UserError when it is not Python."""
    path = _path(name)
    if path is None:
        raise UserError(f"the module {name} has no Python source file.")
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{name}, line {error.lineno}: {error.msg}.") from error


@functools.cache
def _digest(name: str) -> str:
    tree = module_tree(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return hashlib.sha256(_written(tree).encode()).hexdigest()[:8]


def _written(node: Any) -> str:
    """Like `ast.dump` without empty fields, so that every Python writes the same.

    Python 3.12 gives functions and classes a field more, and 3.13 leaves empty ones out.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    filled = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    fields = ",".join(f"{name}={_written(value)}" for name, value in filled)
    return f"{type(node).__name__}({fields})"


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


@functools.cache
def _path(name: str) -> Path | None:
    """The source file of a module, found without running any code."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    folders = [Path(folder, *rest[:-1]) for folder in spec.submodule_search_locations or []]
    places = [p for f in folders for p in (f / f"{rest[-1]}.py", f / rest[-1] / "__init__.py")]
    return next((path for path in places if path.is_file()), None)
