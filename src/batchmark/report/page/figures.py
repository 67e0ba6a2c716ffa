"""Drawn figures, read back and put into the page's language."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from batchmark.report import svg
from batchmark.report.catalogue import BY_NAME
from batchmark.report.messages import from_json, say
from batchmark.report.page.cells import plain_table
from batchmark.report.page.downloads import svg_file
from batchmark.report.page.view import Figure, Series
from batchmark.report.translation import Language

OWN_QUESTION = say("Which setting needs the fewest epochs?")


def read_figures(folder: Path, asked: Iterable[str], language: Language) -> dict[str, Figure]:
    """The figures that were measured, by name."""
    made: dict[str, Figure] = {}
    for name in asked:
        facts = folder / f"{name}.json"
        if facts.exists():
            content = json.loads(facts.read_text(encoding="utf-8"))
            if content["measured"]:
                source = (folder / f"{name}.svg").read_text(encoding="utf-8")
                made[name] = _figure(name, content, source, language)
    return made


def _figure(name: str, facts: Mapping[str, Any], source: str, language: Language) -> Figure:
    title = _title(name, facts, language)
    drawing = svg.translated(source, language.label, title)
    return Figure(
        name=name,
        title=title,
        found=bool(facts["title"]),
        alt=language.tell(from_json(facts["alt"])),
        svg=Markup(drawing),  # noqa: S704 (checked element by element in svg.translated)
        notes=[language.tell(from_json(note)) for note in facts["notes"]],
        series=[Series(key, language.label(name)) for key, name in facts["series"].items()],
        numbers=plain_table(name, title, facts["columns"], facts["rows"], language),
        download=svg_file(name, drawing),
    )


def _title(name: str, facts: Mapping[str, Any], language: Language) -> str:
    if facts["title"]:
        told = language.tell(from_json(facts["title"]))
        return told[:1].upper() + told[1:]
    return language.tell(BY_NAME[name].question if name in BY_NAME else OWN_QUESTION)
