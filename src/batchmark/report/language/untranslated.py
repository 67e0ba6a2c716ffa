"""What the report says in English and a catalogue lacks, for translators.

`python -m batchmark.report.language.untranslated FOLDER` lists it for each catalogue in the folder
of the templates. Nothing fails: what is not translated appears in English.
"""

import argparse
import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from babel.messages.extract import extract_from_dir

from batchmark.report.language.translation import languages

SOURCES = [Path(__file__).parents[2] / name for name in ("report", "publishing")]
# Which arguments of a call are texts for readers, counted from 0.
MARKS: Mapping[str, Sequence[int]] = {
    "say": [0],
    "Quantity": [1, 2],
    "numbers": [1],
    "batch_axis": [2],
    "log_values_axis": [2],
    "decades_axis": [2],
    "ticks_axis": [2],
    "plain_axis": [1],
    "steps_axis": [2],
    "value_axis": [1],
    "log_axis": [2],
}
# What holds the heads of a figure's table of numbers, by its column.
HEADS = {"columns", "COLUMNS", "MOMENTS"}


def said(templates: Path) -> set[str]:
    """All texts that the page is made of, as far as they stand in templates and code."""
    paths = (path for folder in SOURCES for path in folder.rglob("*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths)
    in_code = {text for tree in trees for text in _marked(tree)}
    return {text for text in _in_templates(templates) | in_code if text}


def _in_templates(folder: Path) -> set[str]:
    """Texts of `_()` and `{% trans %}`."""
    messages = extract_from_dir(
        folder,
        [("**.html", "jinja2")],
        {"**.html": {"trimmed": "true"}},
        keywords={"_": None, "gettext": None},
    )
    return {str(message) for _, _, message, *_ in messages}


def _marked(tree: ast.Module) -> Iterator[str]:
    """What is said, and what figures write on their axes and over their numbers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for position in MARKS.get(name, []):
                yield from _constants(*node.args[position : position + 1])
            if name == "Comparison":
                yield from _constants(*(k.value for k in node.keywords if k.arg in HEADS))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in HEADS:
            yield from _constants(node.value)


def _constants(*nodes: ast.expr | None) -> Iterator[str]:
    """The texts, those of both branches of conditional ones, and the values of mappings."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from _constants(node.body, node.orelse)
        elif isinstance(node, ast.BinOp):
            yield from _constants(node.left, node.right)
        elif isinstance(node, ast.Dict):
            yield from _constants(*node.values)


def untranslated(templates: Path) -> dict[str, list[str]]:
    """The English texts that each language lacks, by its code, each list sorted."""
    _, *others = languages(templates)
    texts = said(templates)
    return {one.code: sorted(texts - set(one.catalogue)) for one in others}


def main() -> None:
    """Print them as entries to fill in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("templates", type=Path, help="folder of the templates and catalogues")
    for code, texts in untranslated(parser.parse_args().templates).items():
        for text in texts:
            print(f"{code}.po lacks: {text}")


if __name__ == "__main__":
    main()
