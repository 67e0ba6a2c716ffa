"""The table of the original study, redone: its rows and values beside ours."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from batchmark.report.selection import Tables, fate, is_sample, name, published_rows

# Target and budget of the published table.
THEIRS = (0.99, 200)


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
    """Ours, and beneath it the published value and the reference's; also of sizes that only those
    have. Empty rows when the study was not part of the plan.
    """
    ours = _by_size(published_rows(tables))
    caption = say("The original study's table, measured here")
    if ours.empty:
        return Table(caption, [], [])
    published, reference = _published(tables), _reference(tables)
    sizes = sorted({*ours.index, *published.index, *reference.index}, reverse=True)
    bases, rows, theirs = _bases(ours), _measures(ours), _measures(reference)
    columns = [Cell(say("batch size")), *(Cell(whole(size), numeric=True) for size in sizes)]
    body = [
        [
            Cell(row.name, under=_base(bases.get(row.published), published, row)),
            *(
                _cell(row, ours, size, _beside(row, published, their, reference, size))
                for size in sizes
            ),
        ]
        for row, their in zip(rows, theirs, strict=True)
    ]
    return Table(caption, columns, body, _csv(rows, ours))


def _by_size(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows by batch size, the largest first."""
    if frame.empty:
        return frame
    one = frame.drop_duplicates("batch_size").sort_values("batch_size", ascending=False)
    return one.set_index("batch_size", drop=False)


def _published(tables: Tables) -> pd.DataFrame:
    """The published table by batch size; empty beside other data than its own."""
    return pd.DataFrame() if is_sample(tables) else _by_size(tables.frame("published"))


def _reference(tables: Tables) -> pd.DataFrame:
    """The reference's by batch size; empty beside other data, and on the reference's own page."""
    frame = tables.frame("reference")
    own = tables.document("answer").get("machine") in {*frame.get("machine", ())}
    return pd.DataFrame() if own or is_sample(tables) else _by_size(frame)


def _bases(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """The rows that per-unit values are divided by: the largest size, and the fastest one."""
    if frame.empty:
        return {}
    timed = frame.dropna(subset=["seconds_per_epoch"]).head(1)
    fastest = frame.dropna(subset=["time_to_target"]).sort_values("time_to_target").head(1)
    found = {"time_200_epochs_pu": timed, "time_to_099_pu": fastest}
    return {name: rows.iloc[0] for name, rows in found.items() if len(rows)}


def _measures(frame: pd.DataFrame) -> list[Measure]:
    bases = _bases(frame)
    epochs, time = bases.get("time_200_epochs_pu"), bases.get("time_to_099_pu")
    return measures(
        math.nan if epochs is None else float(epochs["seconds_per_epoch"]),
        math.nan if time is None else float(time["time_to_target"]),
    )


def _beside(
    row: Measure, published: pd.DataFrame, their: Measure, reference: pd.DataFrame, size: float
) -> Text:
    """The published value, and behind a dot the reference's."""
    texts: dict[str, object] = {}
    if not published.empty:
        value = float(published[row.published].get(size, math.nan))
        texts["published"] = row.write(value) if math.isfinite(value) else "–"
    if size in reference.index:
        texts["reference"] = _cell(their, reference, size).text
    return Message(" · ".join(f"{{{key}}}" for key in texts), texts) if texts else ""


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
        "in grey beneath it; “–” where the original gives none. Our target is theirs, {target}, "
        "and so is the budget, {epochs}.{rate}{reference}"
        if (frame["target"].iloc[0], frame["epochs"].max()) == THEIRS
        else "The same rows as in the study that started this. Ours in black, the published value "
        "in grey beneath it; “–” where the original gives none. Their target was 99 % and "
        "their budget 200 epochs, ours {target} and {epochs}: compare the order, not the "
        "digits.{rate}{reference}",
        rate=say(" All sizes have the learning rate {rate}.", rate=significant(rates[0]))
        if len(rates) == 1
        else "",
        reference=_about(_reference(tables)),
        **fields,
    )


def _about(reference: pd.DataFrame) -> Text:
    """What the values behind the dots are."""
    if reference.empty:
        return ""
    first = reference.iloc[0]
    return say(
        " Behind the dot stands the reference, which ships with batchmark: {model} at learning "
        "rate {rate} for {epochs} with the target {target}, {seeds} a size.",
        model=Message(name(str(first["model"]))),
        rate=significant(first["learning_rate"]),
        epochs=epochs(reference["epochs"].max()),
        target=percent(first["target"]),
        seeds=_seeds(int(reference["trials"].min()), int(reference["trials"].max())),
    )


def _seeds(low: int, high: int) -> Text:
    """How many seeds each size has."""
    if low == high:
        return say("one seed") if low == 1 else say("{n} seeds", n=low)
    return say("{low} to {high} seeds", low=low, high=high)


def _base(own: pd.Series | None, published: pd.DataFrame, measure: Measure) -> Text:
    """The batch size that our per-unit values are divided by, and that of the published ones."""
    if own is None:
        return ""
    size = whole(own["batch_size"])
    theirs = published[published[measure.published] == 1] if len(published) else published
    if theirs.empty or whole(theirs["batch_size"].iloc[0]) == size:
        return say("base: batch size {size}", size=size)
    return say(
        "base: batch size {size}, published: {published}",
        size=size,
        published=whole(theirs["batch_size"].iloc[0]),
    )


def _cell(measure: Measure, frame: pd.DataFrame, size: float, beside: Text = "") -> Cell:
    if size not in frame.index:
        return replace(missed(Message("–")), under=beside)
    row = frame.loc[[size]].iloc[0]
    value = measure.value(row)
    if math.isfinite(value):
        share = _share(row) if measure.counted else ""
        text = f"{measure.write(value)}{share}"
        return Cell(text, repr(value), numeric=True, under=beside)
    return replace(missed(_reason(row, measure)), under=beside)


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
