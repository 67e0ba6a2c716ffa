"""The table of the original study, redone: its rows and values beside ours."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from batchmark.report.language.messages import (
    Message,
    Text,
    epochs,
    percent,
    percents,
    say,
    significant,
    whole,
)
from batchmark.report.page.view import Cell, Download, Table, csv_file, missed
from batchmark.report.selection import Tables, fate, is_sample, published_rows


@dataclass(frozen=True)
class Measure:
    """One row: its name, our value, the published column and how to write both.

    `base`: its values are divided by a batch size's. `needs_target`: has no value where training
    missed the target; `needs_end`, where it stopped early. `counted`: says how many of the trials
    reached it. `factor`: what makes a table's number of it.
    """

    name: Message
    ours: Callable[[pd.Series], float]
    published: str
    write: Callable[[float], str] = significant
    base: bool = False
    needs_target: bool = False
    needs_end: bool = False
    counted: bool = False
    factor: float = 1.0

    def value(self, row: pd.Series) -> float:
        """Ours; NaN where there is none."""
        lacking = (self.needs_target and row["reached"] == 0) or (
            self.needs_end and row["status"] != "done"
        )
        return math.nan if lacking else float(self.ours(row))


def _column(name: str) -> Callable[[pd.Series], float]:
    return lambda row: float(row.get(name, math.nan))


def _error(name: Message, column: str) -> Measure:
    return Measure(name, _column(column), column, percents, needs_end=True, factor=100)


def _ratio(value: float) -> str:
    return significant(value, 2)


def measures(epochs_base: float, time_base: float) -> list[Measure]:
    """The rows of the original, with the bases of the per-unit ones."""
    return [
        Measure(say("total epochs"), _column("epochs"), "total_epochs"),
        Measure(
            say("total iterations"),
            # As the engine rounds: half a step is trained or not, never counted in part.
            lambda row: max(1, round(row["epochs"] * row["steps_per_epoch"])),
            "total_iterations",
            whole,
        ),
        Measure(
            say("time of all epochs, per unit"),
            lambda row: row["seconds_per_epoch"] / epochs_base,
            "time_200_epochs_pu",
            _ratio,
            base=True,
        ),
        Measure(
            say("epochs to target"),
            _column("epochs_to_target"),
            "epoch_at_099",
            needs_target=True,
            counted=True,
        ),
        Measure(
            say("time to target, per unit"),
            lambda row: row["time_to_target"] / time_base,
            "time_to_099_pu",
            _ratio,
            base=True,
            needs_target=True,
        ),
        _error(say("best validation error (%)"), "best_validation_error"),
        Measure(
            say("epoch of the best validation error"),
            _column("best_epoch"),
            "best_epoch",
            needs_end=True,
        ),
        _error(say("test error at that epoch (%)"), "best_test_error"),
        _error(say("final test error (%)"), "final_test_error"),
    ]


def headline(tables: Tables) -> Table:
    """Empty rows when the study was not part of the plan."""
    frame = published_rows(tables)
    caption = say("The original study's table, measured here")
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.drop_duplicates("batch_size").sort_values("batch_size", ascending=False)
    published = pd.DataFrame() if is_sample(tables) else tables.frame("published")
    largest = frame.dropna(subset=["seconds_per_epoch"]).head(1)
    fastest = frame.sort_values("time_to_target").dropna(subset=["time_to_target"]).head(1)
    rows = measures(_value(largest, "seconds_per_epoch"), _value(fastest, "time_to_target"))
    bases: dict[str, Text] = {}
    per_unit = [row for row in rows if row.base]
    for row, own in zip(per_unit, (largest, fastest), strict=True):
        bases[row.published] = _base(own, published, row)
    columns = [
        Cell(say("batch size")),
        *(Cell(whole(size), numeric=True) for size in frame["batch_size"]),
    ]
    body = [
        [
            Cell(row.name, under=bases.get(row.published, "")),
            *(
                _cell(row, ours, _published(published, ours["batch_size"], row))
                for _, ours in frame.iterrows()
            ),
        ]
        for row in rows
    ]
    return Table(caption, columns, body, _csv(rows, frame))


def introduction(tables: Tables) -> Text:
    """How our table and the published one differ."""
    frame = published_rows(tables)
    if frame.empty:
        return ""
    fields = {
        "target": percent(frame["target"].iloc[0]),
        "epochs": epochs(frame["epochs"].max()),
    }
    rates = frame["learning_rate"].dropna().unique()
    if is_sample(tables):
        return say(
            "The same rows as in the study that started this, on the sample: its published values "
            "would not compare. The target is {target}, the budget {epochs}.",
            **fields,
        )
    return say(
        "The same rows as in the study that started this. Ours in black, the published value "
        "in grey beneath it; “–” where the original gives none. Their target was 99 % and "
        "their budget 200 epochs, ours {target} and {epochs}: compare the order, not the "
        "digits.{rate}",
        rate=say(" All sizes have the learning rate {rate}.", rate=significant(rates[0]))
        if len(rates) == 1
        else "",
        **fields,
    )


def _value(base: pd.DataFrame, column: str) -> float:
    return math.nan if base.empty else float(base[column].iloc[0])


def _base(ours: pd.DataFrame, published: pd.DataFrame, measure: Measure) -> Text:
    """The batch size that our per-unit values are divided by, and that of the published ones."""
    if ours.empty:
        return ""
    own = whole(ours["batch_size"].iloc[0])
    theirs = published[published[measure.published] == 1] if len(published) else published
    if theirs.empty or whole(theirs["batch_size"].iloc[0]) == own:
        return say("base: batch size {size}", size=own)
    return say(
        "base: batch size {size}, published: {published}",
        size=own,
        published=whole(theirs["batch_size"].iloc[0]),
    )


def _cell(measure: Measure, row: pd.Series, published: str) -> Cell:
    value = measure.value(row)
    if math.isfinite(value):
        share = _share(row) if measure.counted else ""
        text = f"{measure.write(value)}{share}"
        return Cell(text, repr(value), numeric=True, under=published)
    return replace(missed(_reason(row, measure)), under=published)


def _share(row: pd.Series) -> str:
    """k of n, where some trials missed."""
    reached, trials = int(row["reached"]), int(row["trials"])
    return "" if reached == trials else f" ({reached}/{trials})"


def _reason(row: pd.Series, measure: Measure) -> Message:
    ended = fate(row)
    if ended is not None:
        return ended
    if measure.needs_target and math.isnan(row["epochs_to_target"]):
        return say("not reached")
    return say("not timed") if math.isnan(row["seconds_per_epoch"]) else say("n/a")


def _published(table: pd.DataFrame, size: Any, measure: Measure) -> str:
    if table.empty:
        return ""
    values = table.loc[table["batch_size"] == size, measure.published]
    if values.empty:
        return ""
    value = float(values.iloc[0])
    return measure.write(value) if math.isfinite(value) else "–"


def _csv(rows: Sequence[Measure], frame: pd.DataFrame) -> Download:
    """The table's own numbers, in the units of its heads; empty where it has a word."""
    columns = ["measure", *(str(int(size)) for size in frame["batch_size"])]
    body = [
        [str(row.name), *(_number(row.factor * row.value(ours)) for _, ours in frame.iterrows())]
        for row in rows
    ]
    return csv_file("headline", columns, body)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
