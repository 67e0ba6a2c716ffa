"""What of a module's syntax tree can change a result: all but documentation and messages.

Never: docstrings, comments, formatting. Of our own modules neither what an exception says, nor what
is printed, nor the help of a command line. Of those that train and measure not even the strings
bound to a name like `message` (see `MESSAGE`): they are recorded, but no number follows from them.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

MESSAGE = re.compile(r"(?:.*_)?(?:texts?|messages?|reason|remedy|problem|sentence)", re.IGNORECASE)
_HELP = {"help", "description", "metavar", "prog"}
_PARSERS = {"ArgumentParser", "add_argument", "add_parser", "add_subparsers"}
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def significant(tree: ast.Module, ours: bool, records: bool) -> str:
    """`tree` as text, without what cannot change a result. The tree is altered.

    `ours`: a module of batchmark. `records`: one whose messages end in records, not on the page.
    """
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    if ours:
        tree = _Outward().visit(tree)
    if records:
        tree = _Recorded().visit(tree)
    return written(tree)


def written(node: Any) -> str:
    """Like `ast.dump` without empty fields, so that every Python writes the same.

    Python 3.12 gives functions and classes a field more, and 3.13 leaves empty ones out.
    """
    if isinstance(node, list):
        return f"[{','.join(map(written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    filled = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    fields = ",".join(f"{name}={written(value)}" for name, value in filled)
    return f"{type(node).__name__}({fields})"


class _Outward(ast.NodeTransformer):
    """Without the arguments of exceptions and prints, and without a command line's help."""

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Call) and _name(node.value.func) == "print":
            node.value.args, node.value.keywords = [], []
        return self._visited(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if _name(node.func) in _PARSERS:
            node.keywords = [each for each in node.keywords if each.arg not in _HELP]
        return self._visited(node)

    def _visited(self, node: Any) -> Any:
        return self.generic_visit(node)


class _Recorded(ast.NodeTransformer):
    """Without the strings in what is bound to the name of a message, or made by such a function."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self._visited(node, (_name(target) for target in node.targets))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self._visited(node, [_name(node.target)])

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return self._visited(node, [node.arg])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visited(node, [node.name])

    def _visited(self, node: Any, names: Iterable[str | None]) -> Any:
        spoken = any(name and MESSAGE.fullmatch(name) for name in names)
        return _Silent().visit(node) if spoken else self.generic_visit(node)


class _Silent(ast.NodeTransformer):
    """Every string is the empty one."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant("")

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Full names of all that the module imports, anywhere in it, and perhaps of what is in them.

    `package`: the one that relative imports start from.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from (_absolute(name, package) for name in _by_function(node))


def _by_function(call: ast.Call) -> Iterator[str]:
    """`import_module("name")`, also where the function itself is handed on with the name."""
    functions = {_name(call.func), *map(_name, call.args)}
    if functions & {"import_module", "__import__"}:
        yield from strings(call.args)


def _absolute(name: str, package: str) -> str:
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return name
    parents = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*parents, rest] if rest else parents)


def strings(nodes: Iterable[ast.AST]) -> list[str]:
    """The string constants below `nodes`."""
    below = (node for top in nodes for node in ast.walk(top) if isinstance(node, ast.Constant))
    return [node.value for node in below if isinstance(node.value, str)]


def declared(tree: ast.Module, name: str) -> list[str]:
    """The strings of a constant of the module, `name = ["a", "b"]`."""
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return strings(node.value for node in assigned if name in map(_name, node.targets))


def _name(node: ast.AST) -> str | None:
    """`f` of `f` and of `module.f`."""
    return getattr(node, "attr", None) or getattr(node, "id", None)
