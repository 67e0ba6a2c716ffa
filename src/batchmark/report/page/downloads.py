"""Files that the page carries inside itself as data: URIs."""

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from batchmark.privacy import scrubbed, scrubbed_json
from batchmark.report.numbers import significant
from batchmark.report.page.view import Download

ROOM = 700_000
SAFE = "/:;,=()+*!@$'~-._ ?[]{}|"


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Download:
    """A table as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(value) for value in row] for row in rows)
    return text_file(f"{name}.csv", "text/csv", buffer.getvalue())


def svg_file(name: str, source: str) -> Download:
    """A figure as SVG."""
    return text_file(f"{name}.svg", "image/svg+xml", source)


def text_file(name: str, kind: str, text: str) -> Download:
    """Any text; quoted rather than base64, which is shorter for what mostly needs no quoting."""
    size = f"{significant(len(text.encode()) / 1000, 2)} kB"
    return Download(name, f"data:{kind};charset=utf-8,{quote(text, safe=SAFE)}", size)


def table_files(folder: Path) -> list[Download]:
    """The tables and documents that fit into the page's room for them, small ones first."""
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.json")], key=_size)
    room = itertools.accumulate(map(_size, paths))
    fitting = sorted(path for path, used in zip(paths, room, strict=True) if used <= ROOM)
    return [_table_file(path.name, path.read_text(encoding="utf-8")) for path in fitting]


def _table_file(name: str, text: str) -> Download:
    if name.endswith(".csv"):
        return text_file(name, "text/csv", scrubbed(text))
    return text_file(name, "application/json", scrubbed_json(text))


def _size(path: Path) -> int:
    return path.stat().st_size


def _written(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
