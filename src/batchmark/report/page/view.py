"""What templates show: cells, tables, figures, downloads.

Messages are translated where a template prints them (`Language.printed`).
"""

import csv
import io
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from batchmark.contract.errors import scrubbed, scrubbed_json
from batchmark.report.catalogue import BY_NAME
from batchmark.report.drawing import svg
from batchmark.report.language.messages import (
    Message,
    Text,
    from_json,
    interval,
    labelled,
    say,
    significant,
    whole,
)
from batchmark.report.language.translation import Language


@dataclass(frozen=True)
class Cell:
    """A table's cell. `key` sorts it; `under` is a second, grey line; `muted` greys the cell."""

    text: Text
    key: Text = ""
    numeric: bool = False
    under: Text = ""
    muted: bool = False


@dataclass(frozen=True)
class Download:
    """A file inside the page."""

    name: str
    uri: str
    size: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of a row is its head."""

    caption: Text
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    download: Download | None = None


@dataclass(frozen=True)
class SmallPage:
    """A page beside the report, of a few sentences and tables.

    `sample`: it is about the sample. `report`: the file of the report where there is one beside it.
    """

    tag: str
    title: Text
    others: Sequence["Link"]
    sentence: Text
    lines: Sequence[Text]
    tables: Sequence[Table]
    sample: bool = False
    report: str = ""


@dataclass(frozen=True)
class Series:
    """Something that can be highlighted in all figures."""

    key: str
    label: Text


@dataclass(frozen=True)
class Figure:
    """A drawn figure with everything around it. `found`: its title is a finding of the data."""

    name: str
    title: str
    found: bool
    alt: Text
    svg: Markup
    notes: Sequence[Text]
    series: Sequence[Series]
    numbers: Table
    download: Download

    @property
    def anchor(self) -> str:
        """Its name as part of an id, which has no dots."""
        return self.name.replace(".", "-")


@dataclass(frozen=True)
class Line:
    """One other question in a line: its name, what was found, where, and under which conditions."""

    term: Text
    text: Text
    href: str
    under: Text = ""


@dataclass(frozen=True)
class Answer:
    """The first screen: what to do, what it rests on, other questions, what limits it."""

    sentence: Text
    detail: Text
    lines: Sequence[Line]
    limits: Sequence[Text]


@dataclass(frozen=True)
class Claim:
    """One claim's card. `verdict` is the fixed word that style and filter go by."""

    key: str
    text: Text
    verdict: str
    verdict_text: Text
    effect: Text
    evidence: Text
    rule: Text
    reference: Text
    href: str
    figure_title: str


@dataclass(frozen=True)
class Theme:
    """Claims about one subject."""

    name: Text
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Score:
    """How many claims got a verdict."""

    verdict: str
    text: Text
    count: int


@dataclass(frozen=True)
class Study:
    """One section: question, finding, figures, caveats and the table of variants.

    `code`: the settings that were fastest in it; `fastest`: which they are.
    """

    name: str
    question: str
    description: str
    finding: str
    figures: Sequence[Figure]
    caveats: Sequence[Text]
    variants: Table
    fastest: Text = ""
    code: "Code | None" = None


@dataclass(frozen=True)
class Fact:
    """A term and its value."""

    term: Text
    value: Text


@dataclass(frozen=True)
class Facts:
    """A list of facts under a heading."""

    heading: str
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Failure:
    """A run, probe or timing session without a result; `variant` may name a study."""

    variant: str
    reason: str
    log: str


@dataclass(frozen=True)
class Warnings:
    """What makes results less trustworthy: in short, and in full."""

    sentences: Sequence[Text]
    table: Table


@dataclass(frozen=True)
class Head:
    """The title line. `changed`: the code was not quite that of `commit`."""

    machine: Sequence[Text]
    dataset: Text
    setup: Sequence[Text]
    date: date | str
    scale: Text
    commit: str
    changed: bool
    sample: bool


@dataclass(frozen=True)
class Reproduction:
    """What somebody needs to run this again. `changed`: why it may come out otherwise.

    `saved`: what to save first, as which file.
    """

    commands: str
    citation: str
    changed: Text
    saved: Text
    facts: Sequence[Fact]
    config: str


@dataclass(frozen=True)
class Link:
    """The same page in another language."""

    tag: str
    name: str
    file: str


@dataclass(frozen=True)
class Code:
    """Settings to copy: of a study, and of Keras."""

    yaml: str
    keras: str


@dataclass(frozen=True)
class Option:
    """A value that can be chosen, and how readers see it."""

    value: str
    label: Text


@dataclass(frozen=True)
class Control:
    """What is chosen from: the first choice is `chosen`."""

    key: str
    label: Text
    options: Sequence[Option]
    chosen: str


@dataclass(frozen=True)
class Choice:
    """A combination that was measured: its options in values and words, and what came out."""

    keys: Mapping[str, str]
    labels: Sequence[Text]
    results: Sequence[Text]
    href: str
    code: Code | None


@dataclass(frozen=True)
class Explorer:
    """All combinations that were measured; `heads` are those of a choice's labels and results."""

    controls: Sequence[Control]
    heads: Sequence[Text]
    choices: Sequence[Choice]
    download: Download


@dataclass(frozen=True)
class Page:
    """The whole page. `partial`: made before all planned results were there.

    `results`: digest of the list of results it was made of; empty when partial. `model`: the cost
    model's coefficients, empty where none was fitted.
    """

    partial: bool
    results: str
    tag: str
    title: Text
    description: Text
    others: Sequence[Link]
    head: Head
    answer: Answer
    code: Code | None
    picture: Figure | None
    explorer: Explorer | None
    model: Mapping[str, float]
    introduction: Text
    headline: Table
    scores: Sequence[Score]
    themes: Sequence[Theme]
    untested: Sequence[Claim]
    studies: Sequence[Study]
    hood: Sequence[Figure]
    clock: Table
    unmeasured: Sequence[Text]
    gpu_measured: bool
    machines: Table
    to_compare: Table
    failures: Sequence[Failure]
    warnings: Warnings
    environment: Sequence[Facts]
    reproduction: Reproduction
    downloads: Sequence[Download]


# Bytes of tables that a page carries: more would make it slow to open.
ROOM = 700_000
# What a data URI in a quoted attribute may hold as it is, beside letters and digits.
SAFE = "/:;,=()+*!@$'~-._ ?[]{}|"


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Download:
    """A table as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows
    )
    return text_file(f"{name}.csv", "text/csv", buffer.getvalue())


def svg_file(name: str, source: str) -> Download:
    """A figure as SVG."""
    return text_file(f"{name}.svg", "image/svg+xml", source)


def text_file(name: str, kind: str, text: str) -> Download:
    """Any text; quoted rather than base64, which is shorter for what mostly needs no quoting."""
    # In the units that file managers show.
    size = f"{significant(len(text.encode()) / 1000, 2)} kB"
    return Download(name, f"data:{kind};charset=utf-8,{quote(text, safe=SAFE)}", size)


def table_files(folder: Path) -> list[Download]:
    """The tables and documents that fit into the page's room for them, small ones first."""
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.json")], key=_size)
    # Small ones first: many small tables are worth more than one large.
    room = itertools.accumulate(map(_size, paths))
    fitting = sorted(path for path, used in zip(paths, room, strict=True) if used <= ROOM)
    texts = {path.name: path.read_text(encoding="utf-8") for path in fitting}
    return [
        text_file(name, "text/csv", scrubbed(text))
        if name.endswith(".csv")
        else text_file(name, "application/json", scrubbed_json(text))
        for name, text in texts.items()
    ]


def _size(path: Path) -> int:
    return path.stat().st_size


# Of a result that does not exist because training never got there.
NOT_REACHED = say("not reached")
YES, NO = say("yes"), say("no")


def text(value: Text) -> Cell:
    """A cell that sorts as text."""
    return Cell(value, value)


def number(value: Any, written: str | None = None) -> Cell:
    """A right-aligned number of at most three digits; nothing becomes n/a, infinity a miss."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell(say("n/a"), "", numeric=True, muted=True)
    if math.isinf(value):
        return missed()
    return Cell(written or significant(float(value)), repr(float(value)), numeric=True)


def ranged(value: Any, low: Any, high: Any, digits: int = 3) -> Cell:
    """A number with its interval on a second line; none where nothing bounds what it varies by.

    As of the baseline's time, over which the others' are known.
    """
    cell = number(value, significant(float(value), digits) if _is_finite(value) else None)
    unknown = any(bound is None or math.isnan(bound) for bound in (low, high))
    if cell.muted or unknown or low == high:
        return cell
    return replace(cell, under=interval(float(low), float(high)))


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def missed(reason: Message = NOT_REACHED) -> Cell:
    """Why there is no result; sorts last."""
    return Cell(reason, "inf", numeric=True, muted=True)


def plain_table(
    name: str, caption: Text, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Table:
    """A table of raw values: texts as they are, numbers rounded; downloads keep six digits."""
    kept = [list(row) for row in rows]
    numeric = [
        not any(isinstance(row[k], str) and row[k] not in ("inf", "-inf") for row in kept)
        for k in range(len(columns))
    ]
    # A column whose name is a number is a batch size.
    heads = [whole(int(name)) if name.isdigit() else Message(name) for name in columns]
    return Table(
        caption,
        [Cell(head, numeric=flag) for head, flag in zip(heads, numeric, strict=True)],
        [[_cell(value, flag) for value, flag in zip(row, numeric, strict=True)] for row in kept],
        csv_file(name, columns, kept) if kept else None,
    )


def _cell(value: Any, numeric: bool) -> Cell:
    if isinstance(value, bool):
        return text(YES if value else NO)
    if isinstance(value, str) and not numeric:
        return text(Message(value))
    if value is None and not numeric:
        return text("")
    return number(float(value) if isinstance(value, str) else value)


OWN_QUESTION = say("Which setting needs the fewest epochs?")


def read_figures(folder: Path, asked: Iterable[str], language: Language) -> dict[str, Figure]:
    """The figures that were measured, by name."""
    figures: dict[str, Figure] = {}
    for name in asked:
        facts = folder / f"{name}.json"
        if facts.exists():
            content = json.loads(facts.read_text(encoding="utf-8"))
            if content["measured"]:
                source = (folder / f"{name}.svg").read_text(encoding="utf-8")
                figures[name] = _figure(name, content, source, language)
    return figures


def _figure(name: str, facts: Mapping[str, Any], source: str, language: Language) -> Figure:
    title = _title(name, facts, language)
    drawing = svg.translated(source, language.label, title)
    tips = [language.tell(from_json(tip)) for tip in facts["tips"]]
    return Figure(
        name=name,
        title=title,
        found=bool(facts["title"]),
        alt=from_json(facts["alt"]),
        svg=Markup(svg.told(drawing, tips)),  # noqa: S704 (checked element by element in svg.translated)
        notes=[from_json(note) for note in facts["notes"]],
        series=[Series(key, labelled(name)) for key, name in facts["series"].items()],
        numbers=plain_table(name, title, facts["columns"], facts["rows"]),
        download=svg_file(name, svg.untold(drawing)),
    )


def _title(name: str, facts: Mapping[str, Any], language: Language) -> str:
    if facts["title"]:
        title = language.tell(from_json(facts["title"]))
        return title[:1].upper() + title[1:]
    return language.tell(BY_NAME[name].question if name in BY_NAME else OWN_QUESTION)
