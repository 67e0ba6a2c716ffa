"""Drawn figures, read back and put into the page's language."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from batchmark.report import svg
from batchmark.report.catalogue import BY_NAME
from batchmark.report.messages import from_json
from batchmark.report.page.cells import plain_table
from batchmark.report.page.downloads import svg_file
from batchmark.report.page.view import Figure, Series
from batchmark.report.translation import Language

# Asked of the data when they hold no finding.
QUESTIONS: Mapping[str, str] = {
    "time_to_target": "Which batch size reaches the target first?",
    "test_error": "Which batch size ends with the lowest test error?",
    "learning_curves": "How does the error fall?",
    "cost_model": "Do epochs and seconds follow the simple model?",
    "sensitivity": "Does the answer depend on the target?",
    "learning_rate": "How should the learning rate follow the batch size?",
    "optimizer": "How many epochs does each optimizer need?",
    "optimizer_time": "How long does each optimizer take?",
    "momentum": "How many epochs does each momentum need?",
    "normalization": "How many epochs does each normalization need?",
    "normalization_rates": "Which learning rates does each normalization stand?",
    "normalization_scales": "Which initial scales does each normalization stand?",
    "rprop": "Does Rprop suit the full batch only?",
    "generalization_gap": "What narrows the generalization gap?",
    "sparsity": "What sets weights to zero?",
    "train_size": "Does the best batch size grow with the data?",
    "model": "Does the best batch size depend on the model?",
    "devices": "From which batch size on does a GPU help?",
    "threads": "From which batch size on do more threads help?",
    "throughput": "How many examples a second?",
    "memory": "How much memory does a batch need?",
    "gradient_cosine": "How close is a batch's gradient to the full one?",
    "layer_norms": "How do gradients change from layer to layer?",
}


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
    return language.text(QUESTIONS.get(name, name.replace("_", " ")))


def missing_figures(asked: Iterable[str], drawn: Iterable[str], section: str) -> list[str]:
    """The asked-for figures of a section of the page that had no data."""
    had = set(drawn)
    return [
        name
        for name in asked
        if name not in had and name in BY_NAME and BY_NAME[name].section == section
    ]
