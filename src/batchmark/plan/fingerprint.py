"""Which source code a stage depends on, computed from imports.

A module counts by its syntax tree, less documentation and messages; a file that it names by its
content. Modules that are chosen by name (models, optimizers, normalizations, figures) are not
imported statically and are added for the variants that use them.
"""

import ast
import difflib
import functools
import hashlib
import importlib.util
import re
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from batchmark.contract.devices import KINDS, Device
from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import (
    MODELS,
    NORMALIZATIONS,
    OPTIMIZERS,
    Hyperparameters,
)

# Names of what is only read by people.
MESSAGE = re.compile(r"(?:.*_)?(?:texts?|messages?|reason|remedy|problem|sentence)", re.IGNORECASE)
_HELP = {"help", "description", "metavar", "prog"}
# Argparse's, whose help and names of programs change no result.
_PARSERS = {"ArgumentParser", "add_argument", "add_parser", "add_subparsers"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# The nodes of a tree by their class.
Kinds = Mapping[type[ast.AST], list[Any]]


def by_kind(tree: ast.AST) -> Kinds:
    """All nodes of a tree; `ast.walk` takes twice the time, at every start of Snakemake."""
    kinds: Kinds = defaultdict(list)
    waiting = [tree]
    # It grows meanwhile.
    for node in waiting:
        kinds[type(node)].append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                waiting += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                waiting.append(value)
    return kinds


def significant(kinds: Kinds, ours: bool, records: bool) -> str:
    """A module as text, without what cannot change a result. Its tree is altered.

    `ours`: a module of batchmark. `records`: one whose messages end in records, not on the page.
    """
    for node in chain.from_iterable(kinds[kind] for kind in _DOCUMENTED):
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    if ours:
        _take_words(kinds)
    if records:
        for node in _worded(kinds):
            _Silent().visit(node)
    return written(kinds[ast.Module][0])


def written(node: Any) -> str:
    """Like `ast.dump` without empty fields, so that every Python writes the same.

    Python 3.12 gives functions and classes a field more, and 3.13 leaves empty ones out.
    """
    if isinstance(node, ast.AST):
        filled = []
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                filled.append(f"{name}={written(value)}")
        return f"{type(node).__name__}({','.join(filled)})"
    return f"[{','.join(map(written, node))}]" if isinstance(node, list) else repr(node)


def _take_words(kinds: Kinds) -> None:
    """Take away the arguments of exceptions and prints, and a command line's help."""
    for node in kinds[ast.Raise]:
        if isinstance(node.exc, ast.Call):
            # Which exception counts, for code may catch it; its words do not.
            node.exc.args, node.exc.keywords = [], []
    for node in kinds[ast.Expr]:
        if isinstance(node.value, ast.Call) and _name(node.value.func) == "print":
            node.value.args, node.value.keywords = [], []
    for node in kinds[ast.Call]:
        if _name(node.func) in _PARSERS:
            node.keywords = [each for each in node.keywords if each.arg not in _HELP]


def _worded(kinds: Kinds) -> list[ast.AST]:
    """The nodes that bind the name of a message, whose strings are words."""
    bound: Iterable[tuple[ast.AST, str | None]] = chain(
        ((node, _name(target)) for node in kinds[ast.Assign] for target in node.targets),
        ((node, _name(node.target)) for node in kinds[ast.AnnAssign]),
        ((node, node.arg) for node in kinds[ast.keyword]),
        ((node, node.name) for node in kinds[ast.FunctionDef]),
    )
    return [node for node, name in bound if name and MESSAGE.fullmatch(name)]


class _Silent(ast.NodeTransformer):
    """Every string is the empty one."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant("")

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node


def imported(kinds: Kinds, package: str) -> Iterator[str]:
    """Full names of all that the module imports, anywhere in it, and perhaps of what is in them.

    `package`: the one that relative imports start from.
    """
    for node in kinds[ast.Import]:
        yield from (alias.name for alias in node.names)
    for node in kinds[ast.ImportFrom]:
        base = _absolute("." * node.level + (node.module or ""), package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    for node in kinds[ast.Call]:
        # `import_module("name")`, also where the function itself is handed on with the name.
        functions = {_name(node.func), *map(_name, node.args)}
        if functions & {"import_module", "__import__"}:
            for argument in node.args:
                yield from (_absolute(name, package) for name in strings(by_kind(argument)))


def _absolute(name: str, package: str) -> str:
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return name
    parents = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*parents, rest] if rest else parents)


def strings(kinds: Kinds) -> list[str]:
    """The string constants among the nodes."""
    return [node.value for node in kinds[ast.Constant] if isinstance(node.value, str)]


def declared(tree: ast.Module, name: str) -> list[str]:
    """The strings of a constant of the module, `name = ["a", "b"]`."""
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    values = (node.value for node in assigned if name in map(_name, node.targets))
    return [text for value in values for text in strings(by_kind(value))]


def _name(node: ast.AST) -> str | None:
    """`f` of `f` and of `module.f`."""
    return getattr(node, "attr", None) or getattr(node, "id", None)


# The one whose modules count wherever they lie.
PACKAGE = "batchmark"
# They decide when, where and whether a job runs and how a file is written, never what is in it.
WITHOUT_EFFECT = frozenset(
    {
        # The door for notebooks; no stage goes through it.
        "batchmark",
        "batchmark.contract.errors",
        "batchmark.machine.cards",
        "batchmark.machine.garbage",
        "batchmark.machine.locks",
        "batchmark.contract.files",
        "batchmark.stages.command",
    }
)
# What counts by value for a job of variants: the settings in its request, the rows it uses.
BY_VALUE = frozenset({"batchmark.contract.devices", "batchmark.contract.hyperparameters"})
# Their messages stand in results; those of the other folders on the page.
_RECORDING = (
    *("contract", "dataset", "machine", "probing", "profiling"),
    *("stages", "timing", "training"),
)
DECLARED = "DEPENDS_ON"
_STANDARD = Path(sysconfig.get_path("stdlib"))


def fingerprint(roots: Iterable[str], without: Collection[str] = ()) -> str:
    """`module:digest` for all that `roots` import, directly or not, sorted by name.

    Modules without code and those `without` effect are left out.
    """
    names = sorted({name for root in roots for name in closure(root)} - {*without})
    return " ".join(f"{name}:{_digest(name)}" for name in names)


@functools.cache
def closure(root: str) -> frozenset[str]:
    """The module `root` and all own modules that it imports, transitively.

    Own is what lies in the same top-level package or is not installed: the modules of a project
    beside each other. Left out are modules without code and those `WITHOUT_EFFECT`. Raises
    UserError when `root` cannot be found.
    """
    if _path(root) is None:
        hint = "is its folder on PYTHONPATH?"
        if root.endswith(".py"):
            hint = f"a module is named without its ending: {root.removesuffix('.py')}."
        elif root.partition(".")[0] in sys.stdlib_module_names:
            raise UserError(f"the module {root} is Python's own; name a file of your project.")
        raise UserError(f"the module {root} cannot be found; {hint}")
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in WITHOUT_EFFECT:
            seen.add(name)
            waiting.extend(_imports(name, root.partition(".")[0]))
    return frozenset(name for name in seen if _source(name).has_code)


def check_defined(import_path: str) -> None:
    """Raise UserError unless `module:name` names something that the module's source defines."""
    module, _, name = import_path.partition(":")
    names = dict.fromkeys(_defined(module_tree(module)))
    if name in names or "*" in names:
        return
    public = [name for name in names if not name.startswith("_")]
    close = difflib.get_close_matches(name, public, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(public) or 'nothing'}."
    raise UserError(f"{import_path}: {module} defines no {name}; {hint}")


def _defined(tree: ast.AST) -> Iterator[str]:
    """Names that a module binds when it is imported, whatever branch it takes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        else:
            yield from _defined(node)


@functools.cache
def _imports(name: str, top: str) -> tuple[str, ...]:
    """The own modules that importing `name` runs: packages it lies in, what its source imports."""
    named = [*_parents(name), *_source(name).imported]
    every = dict.fromkeys(name for each in named for name in (*_parents(each), each))
    return tuple(module for module in every if _is_own(module, top))


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _is_own(module: str, top: str) -> bool:
    path = _path(module)
    if path is None:
        return False
    if module.partition(".")[0] in {top, PACKAGE}:
        return True
    named = bool({"site-packages", "dist-packages"} & {*path.parts})
    return not (named or _STANDARD in path.parents or any(map(_holds_distributions, path.parents)))


@functools.cache
def _holds_distributions(folder: Path) -> bool:
    """Whether packages were installed here: `pip --target` and PYTHONPATH give it any name."""
    return str(folder) in sys.path and any(folder.glob("*.dist-info"))


def _package_of(name: str) -> str:
    path = _path(name)
    return name if path and path.name == "__init__.py" else name.rpartition(".")[0]


def module_tree(name: str) -> ast.Module:
    """The syntax tree of a module; raises UserError when it is not Python."""
    path = _path(name)
    if path is None:
        raise UserError(f"the module {name} has no Python source file.")
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{name}, line {error.lineno}: {error.msg}.") from error


@dataclass(frozen=True)
class _Source:
    """What is asked of a module's syntax tree, which itself is too large to be kept."""

    imported: tuple[str, ...]
    declared: tuple[str, ...]
    named: tuple[str, ...]
    has_code: bool
    significant: str


@functools.cache
def _source(name: str) -> _Source:
    """Read a module, once: parsing takes longest of all."""
    tree = module_tree(name)
    kinds = by_kind(tree)
    ours = name.startswith(f"{PACKAGE}.")
    documented = ast.get_docstring(tree, clean=False) is not None
    return _Source(
        imported=tuple(imported(kinds, _package_of(name))),
        declared=tuple(declared(tree, DECLARED)),
        # No sentence, whose length no system takes, and no Python file, which counts as module.
        named=tuple(
            text
            for text in sorted({*strings(kinds)})
            if 0 < len(text) < 80 and text.isprintable() and not text.endswith(".py")
        ),
        has_code=len(tree.body) > documented,
        # The last, for it alters the tree.
        significant=significant(kinds, ours, ours and name.split(".")[1] in _RECORDING),
    )


@functools.cache
def _digest(name: str) -> str:
    """Of the syntax tree and of every file that it names or declares."""
    contents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in _files(name)]
    text = "".join([*contents, _source(name).significant])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _files(name: str) -> list[Path]:
    """The files beside a module whose names stand in it; raises UserError for a missing one."""
    source, folder = _source(name), (_path(name) or Path()).parent
    for wanted in source.declared:
        if not (folder / wanted).is_file():
            raise UserError(f"{name}: {DECLARED} names {wanted!r}, and there is no such file.")
    return [folder / text for text in source.named if (folder / text).is_file()]


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


def modules_used(chosen: Hyperparameters) -> list[str]:
    """The modules that a variant uses by name, beside what its stage imports."""
    own = [path.partition(":")[0] for path in chosen.own]
    model, optimizer = MODELS.get(chosen.model), OPTIMIZERS.get(chosen.optimizer)
    if model:
        own.append(f"batchmark.training.models.{model.module}")
    if optimizer and not optimizer.keras:
        own.append(f"batchmark.training.optimizers.{chosen.optimizer}")
    return own


def rows_used(chosen: Hyperparameters) -> list[str]:
    """The rows of tables that a variant uses: what the short names of its parts stand for."""
    optimizer, normalization = OPTIMIZERS.get(chosen.optimizer), chosen.normalization
    rows = [f"{chosen.optimizer}={optimizer.keras}"] if optimizer else []
    kind = NORMALIZATIONS[normalization]
    # An own model has code of its own for normalizations.
    if chosen.model in MODELS and kind.layer:
        arguments = ",".join(f"{name}:{value}" for name, value in sorted(kind.arguments.items()))
        rows.append(f"{normalization}={kind.layer}({arguments})")
    return rows


def device_used(device: Device) -> tuple[list[str], str]:
    """The modules that a job on such a device uses by name, and what of its row counts."""
    kind = KINDS[device]
    modules = [f"batchmark.machine.{kind.cards.module}"] if kind.cards else []
    return modules, f"{device}={hashlib.sha256(repr(kind).encode()).hexdigest()[:8]}"
