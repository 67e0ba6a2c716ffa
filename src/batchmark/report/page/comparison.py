"""The page of a comparison of two runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchmark.report.language.messages import Message, Text, interval, percent, say, significant
from batchmark.report.page.claims import VERDICTS, WORDS
from batchmark.report.page.view import Cell, Link, SmallPage, Table, number, text

Rows = Sequence[Mapping[str, Any]]

TITLE = say("What changed between two runs?")
CHANGES = {"slower": say("slower"), "faster": say("faster"), "": say("not told apart")}


def comparison_page(comparison: Mapping[str, Any], tag: str, others: Sequence[Link]) -> SmallPage:
    """The page in one language of what `stages.compare` writes, linked to the other languages."""
    sentence = say(
        "Training graphs that both runs timed: {timed}; slower beyond noise: {slower}, faster: "
        "{faster}.",
        **{name: comparison[name] for name in ("timed", "slower", "faster")},
    )
    lines = [
        say(
            "Verdicts that changed: {changed}; into the opposite: {opposite}.",
            changed=len(comparison["verdicts"]),
            opposite=comparison["opposite"],
        ),
        say("Facts of the environment that differ: {n}.", n=len(comparison["environment"])),
    ]
    if runs := comparison["runs"]:
        lines.append(say("Runs searched for changes that stayed: {n}.", n=runs))
    return SmallPage(
        tag=tag,
        title=TITLE,
        others=others,
        sentence=sentence,
        lines=lines,
        tables=[
            _times(comparison["times"]),
            _steps(comparison["change_points"]),
            _verdicts(comparison["verdicts"]),
            _facts(comparison["environment"]),
        ],
    )


GRAPH = (say("training graph"), say("study"), say("device"), say("threads"))


def _graph(row: Mapping[str, Any]) -> list[Cell]:
    place = f"{row['machine']}/{row['device']}"
    words = [text(Message(str(row["subject"]))), text(Message(str(row["study"])))]
    return [*words, text(Message(place)), number(float(row["threads"]))]


def _times(rows: Rows) -> Table:
    heads = (*GRAPH, say("seconds, after over before"), say("noise floor"), say("change"))
    return _table(say("Seconds per step"), heads, [[*_graph(row), *_change(row)] for row in rows])


def _change(row: Mapping[str, Any]) -> list[Cell]:
    floor, bounds = row["noise_floor"], (row["ratio_low"], row["ratio_high"])
    within = "" if None in bounds else interval(*bounds, 3)
    return [
        replace(number(row["ratio"]), under=within),
        number(floor, None if floor is None else percent(floor, 2)),
        text(CHANGES[row["change"]]),
    ]


def _steps(rows: Rows) -> Table:
    heads = (*GRAPH, say("from the run of"), say("seconds, after over before"), Message("p"))
    cells = [
        [
            *_graph(row),
            text(Message(row["started"])),
            number(row["ratio"]),
            number(row["p"], significant(row["p"], 2)),
        ]
        for row in rows
    ]
    return _table(say("Changes that stayed, in the history of runs"), heads, cells)


def _verdicts(rows: Rows) -> Table:
    heads = (say("claim"), say("device"), say("before"), say("after"))
    cells = [
        [text(_statement(row["id"])), text(Message(f"{row['machine']}/{row['device']}"))]
        + [text(VERDICTS[row[side]]) for side in ("before", "after")]
        for row in rows
    ]
    return _table(say("Verdicts that changed"), heads, cells)


def _statement(claim: str) -> Text:
    """In words; claims of another version by their ids."""
    return WORDS[claim].statement if claim in WORDS else Message(claim)


def _facts(rows: Rows) -> Table:
    heads = (say("fact"), say("device"), say("before"), say("after"))
    cells = [
        [text(Message(str(row[name]))) for name in ("key", "place")]
        + [text(_fact(row[side])) for side in ("before", "after")]
        for row in rows
    ]
    return _table(say("What differs in software, hardware and settings"), heads, cells)


def _fact(value: Any) -> Message:
    return say("n/a") if value is None else Message(str(value))


def _table(caption: Message, heads: Sequence[Message], rows: Sequence[Sequence[Cell]]) -> Table:
    return Table(caption, [Cell(head) for head in heads], rows)
