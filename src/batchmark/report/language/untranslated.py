"""What the report says in English and a catalogue lacks, for translators.

`python -m batchmark.report.language.untranslated FOLDER` lists it for each catalogue in the folder
of the templates. Nothing fails: what is not translated appears in English.
"""

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from batchmark.report.language.translation import languages

SOURCES = [Path(__file__).parents[2] / name for name in ("report", "publishing")]
MARKS = {"say"}


def said(templates: Path) -> set[str]:
    """All texts that the page is made of, as far as they stand in templates and code."""
    return {text for text in _in_templates(templates) | _in_code() if text}


def _in_templates(folder: Path) -> set[str]:
    """Texts of `_()` and `{% trans %}`."""
    found = extract_from_dir(
        folder,
        [("**.html", "jinja2")],
        {"**.html": {"trimmed": "true"}},
        keywords={"_": None, "gettext": None},
    )
    return {str(message) for _, _, message, *_ in found}


def _in_code() -> set[str]:
    """First arguments of `say()`."""
    paths = (path for folder in SOURCES for path in folder.rglob("*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths)
    return {text for tree in trees for text in _marked(tree)}


def _marked(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in MARKS:
                yield from _constants(node.args[0])


def _constants(node: ast.expr) -> Iterator[str]:
    """A text, or the texts of both branches of a conditional one."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


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
