"""What drawing a figure gives: the drawing, what it says in words, and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from batchmark.report import svg
from batchmark.report.messages import Message


@dataclass(frozen=True)
class Drawn:
    """A drawn figure.

    `title`: its finding, computed from the data; None when the data hold none. `alt`: what a
    reader who cannot see it needs. `numbers`: the values behind it, one row a mark. `notes`: what
    stands under it (numbers of trials, what a band is). `series`: the names that can be
    highlighted, by key.
    """

    figure: Figure
    title: Message | None
    alt: Message
    numbers: pd.DataFrame
    notes: Sequence[Message] = ()
    series: Mapping[str, str] = field(default_factory=dict)


def to_svg(drawn: Drawn, name: str) -> str:
    """The drawing as a small SVG whose ids are unique to `name`."""
    import matplotlib as mpl  # noqa: PLC0415 (its settings are read when the figure is written)

    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "svg.id": None}):
        buffer = StringIO()
        drawn.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return svg.tidied(buffer.getvalue(), str(drawn.title or drawn.alt))


def to_facts(drawn: Drawn, name: str) -> dict[str, Any]:
    """What the page needs beside the SVG, as plain containers."""
    return {
        "figure": name,
        "measured": True,
        "title": drawn.title.to_json() if drawn.title else None,
        "alt": drawn.alt.to_json(),
        "notes": [note.to_json() for note in drawn.notes],
        "columns": [str(column) for column in drawn.numbers.columns],
        "rows": [[plain(value) for value in row] for row in drawn.numbers.itertuples(index=False)],
        "series": dict(drawn.series),
    }


def not_measured(name: str) -> dict[str, Any]:
    """The facts of a figure whose data do not exist."""
    return {"figure": name, "measured": False}


def not_measured_svg() -> str:
    """A drawing that says so, since the job promised a file."""
    return (
        f'<svg xmlns="{svg.SVG}" viewBox="0 0 440 60" width="440" height="60" role="img">'
        "<title>not measured</title>"
        '<text x="220" y="34" text-anchor="middle" font-size="13" font-family="sans-serif" '
        'fill="currentColor">not measured</text></svg>'
    )


def plain(value: Any) -> float | str | bool | None:
    """A table's cell as JSON can hold it; infinity as text, missing as null."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if pd.isna(value):
        return None
    number = float(value)
    return str(number) if number in (float("inf"), float("-inf")) else number
