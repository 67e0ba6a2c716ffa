"""All texts that the report says in English, found as translators' tools find them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "workflow" / "report"
SOURCES = ROOT / "src" / "batchmark" / "report"


def template_texts() -> set[str]:
    """Texts of `_()` and `{% trans %}`."""
    found = extract_from_dir(
        TEMPLATES,
        [("**.html", "jinja2")],
        {"**.html": {"trimmed": "true"}},
        keywords={"_": None, "gettext": None},
    )
    return {str(message) for _, _, message, *_ in found}


def said_texts() -> set[str]:
    """Texts of `say()` and `language.text()`, and the column names and labels of figures."""
    texts: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        texts |= set(_said(ast.parse(path.read_text(encoding="utf-8"))))
    return texts


def _said(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in {"say", "text", "Measure"}:
                yield from _constants(node.args[0])


def _constants(node: ast.expr) -> Iterator[str]:
    """A text, or the texts of both branches of a conditional one."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def labels(svg: str) -> set[str]:
    """The text nodes of a figure that hold words."""
    nodes = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    return {node for node in nodes if re.search(r"[A-Za-z]{2}", node)}
