"""The view models. All texts are in the page's language; nothing here is HTML but `Figure.svg`."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """A table's cell. `key` sorts it; `under` is a second, grey line; `muted` greys the cell."""

    text: str
    key: str = ""
    numeric: bool = False
    under: str = ""
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

    caption: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    download: Download | None = None


@dataclass(frozen=True)
class Series:
    """Something that can be highlighted in all figures."""

    key: str
    label: str


@dataclass(frozen=True)
class Figure:
    """A drawn figure with everything around it. `found`: its title is a finding of the data."""

    name: str
    title: str
    found: bool
    alt: str
    svg: Markup
    notes: Sequence[str]
    series: Sequence[Series]
    numbers: Table
    download: Download


@dataclass(frozen=True)
class Statistic:
    """One number in large type and what it means."""

    value: str
    meaning: str
    href: str


@dataclass(frozen=True)
class Answer:
    """The first screen's sentence, what it rests on, and three numbers."""

    sentence: str
    basis: str
    statistics: Sequence[Statistic]


@dataclass(frozen=True)
class Claim:
    """One claim's card. `verdict` is the fixed word that style and filter go by."""

    key: str
    text: str
    verdict: str
    verdict_text: str
    effect: str
    evidence: str
    rule: str
    href: str
    figure_title: str


@dataclass(frozen=True)
class Theme:
    """Claims about one subject."""

    name: str
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Score:
    """How many claims got a verdict."""

    verdict: str
    text: str
    count: int


@dataclass(frozen=True)
class Study:
    """One section: question, finding, figures, advice, caveats and the table of variants."""

    name: str
    question: str
    description: str
    finding: str
    figures: Sequence[Figure]
    advice: Sequence[str]
    caveats: Sequence[str]
    variants: Table


@dataclass(frozen=True)
class Fact:
    """A term and its value."""

    term: str
    value: str


@dataclass(frozen=True)
class Facts:
    """A list of facts under a heading."""

    heading: str
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Failure:
    """A run, probe or timing block without a result; `variant` may name a study."""

    variant: str
    reason: str
    log: str


@dataclass(frozen=True)
class Cautions:
    """What makes results less trustworthy: in short, and in full."""

    sentences: Sequence[str]
    table: Table


@dataclass(frozen=True)
class Head:
    """The title line."""

    machine: str
    dataset: str
    date: str
    scale: str
    commit: str
    sample: bool


@dataclass(frozen=True)
class Reproduction:
    """What somebody needs to run this again."""

    commands: str
    facts: Sequence[Fact]
    config: str


@dataclass(frozen=True)
class Link:
    """The same page in another language."""

    tag: str
    name: str
    file: str


@dataclass(frozen=True)
class Page:
    """The whole page. `partial`: made before all planned results were there.

    `results`: digest of the list of results it was made of; empty when partial.
    """

    partial: bool
    results: str
    tag: str
    title: str
    description: str
    others: Sequence[Link]
    head: Head
    answer: Answer
    picture: Figure | None
    introduction: str
    headline: Table
    scores: Sequence[Score]
    themes: Sequence[Theme]
    untested: Sequence[Claim]
    studies: Sequence[Study]
    hood: Sequence[Figure]
    clock: Table
    unmeasured: Sequence[str]
    gpu_measured: bool
    machines: Table
    failures: Sequence[Failure]
    cautions: Cautions
    environment: Sequence[Facts]
    reproduction: Reproduction
    downloads: Sequence[Download]
