"""What a list of files calls each of them: figures by what they found, tables by their rows."""

import json
from pathlib import Path
from typing import Any

from batchmark.contract.glossary import ROWS
from batchmark.report.catalogue import BY_NAME
from batchmark.report.language.messages import from_json


def figure_labels(figure: str) -> dict[str, str]:
    """Finding, else question, and study of a drawn figure, of the JSON that `plot` wrote beside it.

    Empty where it is not drawn yet or has nothing to show.
    """
    content = _read(Path(figure).with_suffix(".json"))
    if not content.get("measured"):
        return {}
    name, _, own = str(content["figure"]).partition(".")
    entry, title = BY_NAME.get(name), content.get("title")
    study = own or (entry.study if entry else "") or "under the hood"
    # Without a finding the page asks.
    words = from_json(title) if title else entry.question if entry else study
    return {"finding": str(words), "study": study.replace("_", " ")}


def table_labels(path: str) -> dict[str, str]:
    """Name and contents of a table; empty where it is not written yet or has no rows."""
    table = Path(path)
    try:
        with table.open(encoding="utf-8") as file:
            filled = bool(file.readline() and file.readline())
    except OSError:
        return {}
    return {"table": table.name, "a row is": ROWS.get(table.stem, "")} if filled else {}


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
