"""The table in the original study's form: measures down, batch sizes across, published beneath."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from batchmark.report.messages import Message, say
from batchmark.report.numbers import percent, percents, significant, whole
from batchmark.report.page.downloads import csv_file
from batchmark.report.page.view import Cell, Download, Table
from batchmark.report.phrases import epochs
from batchmark.report.selection import headline_rows
from batchmark.report.tables import Tables
from batchmark.report.translation import Language


@dataclass(frozen=True)
class Measure:
    """One row: its name, our value, the published column and how to write both."""

    name: str
    ours: Callable[[pd.Series], float]
    published: str
    write: Callable[[float], str] = significant
    base: bool = False
    needs_target: bool = False


def _column(name: str) -> Callable[[pd.Series], float]:
    return lambda row: float(row.get(name, math.nan))


def measures(epochs_base: float, time_base: float) -> list[Measure]:
    """The rows of the original, with the bases of the per-unit ones."""
    return [
        Measure("total epochs", _column("epochs"), "total_epochs", whole),
        Measure(
            "total iterations",
            lambda row: row["epochs"] * row["steps_per_epoch"],
            "total_iterations",
            whole,
        ),
        Measure(
            "time of all epochs, per unit",
            lambda row: row["seconds_per_epoch"] / epochs_base,
            "time_200_epochs_pu",
            base=True,
        ),
        Measure("epochs to target", _column("epochs_to_target"), "epoch_at_099", needs_target=True),
        Measure(
            "time to target, per unit",
            lambda row: row["time_to_target"] / time_base,
            "time_to_099_pu",
            base=True,
            needs_target=True,
        ),
        Measure(
            "best validation error (%)",
            _column("best_validation_error"),
            "best_validation_error",
            percents,
        ),
        Measure("epoch of the best validation error", _column("best_epoch"), "best_epoch"),
        Measure(
            "test error at that epoch (%)",
            _column("best_test_error"),
            "best_test_error",
            percents,
        ),
        Measure("final test error (%)", _column("final_test_error"), "final_test_error", percents),
    ]


def headline(tables: Tables, language: Language) -> Table:
    """Empty rows when the study was not part of the plan."""
    frame = headline_rows(tables)
    caption = language.text("The original study's table, measured here")
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.drop_duplicates("batch_size").sort_values("batch_size", ascending=False)
    published = tables.frame("published")
    largest = frame.dropna(subset=["seconds_per_epoch"]).head(1)
    fastest = frame.sort_values("time_to_target").dropna(subset=["time_to_target"]).head(1)
    rows = measures(_value(largest, "seconds_per_epoch"), _value(fastest, "time_to_target"))
    bases = {
        row.name: base
        for row, own in zip([row for row in rows if row.base], (largest, fastest), strict=True)
        if (base := _base(own, published, row))
    }
    columns = [Cell(language.text("batch size")), *(_size(row) for _, row in frame.iterrows())]
    body = [
        [
            _head(row, bases, language),
            *(
                _cell(row, ours, _published(published, ours["batch_size"], row), language)
                for _, ours in frame.iterrows()
            ),
        ]
        for row in rows
    ]
    return Table(caption, columns, body, _csv(rows, frame))


def introduction(tables: Tables, language: Language) -> str:
    """How our table and the published one differ."""
    frame = headline_rows(tables)
    if frame.empty:
        return ""
    return language.tell(
        say(
            "The same rows as in the study that started this. Ours in black, the published value "
            "in grey beneath it; “–” where the original gives none. Their target was 99 % and "
            "their budget 200 epochs, ours {target} and {epochs}: compare the order, not the "
            "digits.",
            target=percent(frame["target"].iloc[0]),
            epochs=epochs(frame["epochs"].max()),
        )
    )


def _value(base: pd.DataFrame, column: str) -> float:
    return math.nan if base.empty else float(base[column].iloc[0])


def _base(ours: pd.DataFrame, published: pd.DataFrame, measure: Measure) -> Message | None:
    """The batch size that our per-unit values are divided by, and that of the published ones."""
    if ours.empty:
        return None
    own = whole(ours["batch_size"].iloc[0])
    theirs = published[published[measure.published] == 1] if len(published) else published
    if theirs.empty or whole(theirs["batch_size"].iloc[0]) == own:
        return say("base: batch size {size}", size=own)
    return say(
        "base: batch size {size}, published: {published}",
        size=own,
        published=whole(theirs["batch_size"].iloc[0]),
    )


def _size(row: pd.Series) -> Cell:
    return Cell(whole(row["batch_size"]), numeric=True)


def _head(measure: Measure, bases: dict[str, Message], language: Language) -> Cell:
    base = bases.get(measure.name)
    return Cell(language.text(measure.name), under=language.tell(base) if base else "")


def _cell(measure: Measure, row: pd.Series, published: str, language: Language) -> Cell:
    value = float(measure.ours(row))
    if math.isfinite(value) and not (measure.needs_target and row["reached"] == 0):
        share = _share(row) if measure.name == "epochs to target" else ""
        text = f"{measure.write(value)}{share}"
        return Cell(text, repr(value), numeric=True, under=published)
    reason = _reason(row, measure)
    return Cell(language.text(reason), "inf", numeric=True, under=published, muted=True)


def _share(row: pd.Series) -> str:
    """k of n, where some trials missed."""
    reached, trials = int(row["reached"]), int(row["trials"])
    return "" if reached == trials else f" ({reached}/{trials})"


def _reason(row: pd.Series, measure: Measure) -> str:
    if row["status"] in ("diverged", "not_learning"):
        return "cannot converge"
    return "not reached" if measure.needs_target else "n/a"


def _published(table: pd.DataFrame, size: Any, measure: Measure) -> str:
    if table.empty:
        return ""
    found = table.loc[table["batch_size"] == size, measure.published]
    if found.empty:
        return ""
    value = float(found.iloc[0])
    return measure.write(value) if math.isfinite(value) else "–"


def _csv(rows: Sequence[Measure], frame: pd.DataFrame) -> Download:
    columns = ["measure", *(str(int(size)) for size in frame["batch_size"])]
    body = [[row.name, *(float(row.ours(ours)) for _, ours in frame.iterrows())] for row in rows]
    return csv_file("headline", columns, body)
