"""The page of a prediction: what to train with, what that rests on, how to measure it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from batchmark.report.language.messages import (
    Message,
    bracketed,
    interval,
    joined,
    listed,
    say,
    seconds,
    significant,
    times,
    whole,
)
from batchmark.report.page.view import Cell, Link, SmallPage, Table, number, ranged, text
from batchmark.report.selection import name
from batchmark.statistics.prediction import ACCEPTABLE

PRICE = re.compile(r"cost_at_\d+")


@dataclass(frozen=True)
class Basis:
    """What was trained and probed. `noise_scale` with bounds in examples, at `moments` moments.

    `raced`: the critical size by the race of `sizes`, if they told one; `rate`: best of a scan at
    `rate_at` images a batch, if any; `studies`: behind the factors, and how many of them are
    `cheap` and `held`, see `score`; `largest`: batch that fits into memory, if known; `sample`: the
    embedded digits served; `warnings`: about the timing.
    """

    model: str
    optimizer: str
    dataset: str
    sample: bool
    noise_scale: tuple[float, float, float]
    moments: int
    raced: float | None
    sizes: list[int]
    studies: int
    cheap: int
    held: int
    rate: float | None
    rate_at: int | None
    largest: int | None
    warnings: int


COMMAND = "make report"
# Nobody measured what this page says.
TITLE = say("Which batch size should I start with?")


def sentences(table: pd.DataFrame, basis: Basis) -> list[Message]:
    """The prediction in sentences, the advice first: what the terminal shows, a line each."""
    row = advised(table)
    return [
        _advice(row, basis),
        *_settings(row, basis),
        _prices(row),
        *(_loop(each) for _, each in table.iterrows()),
        _noise(basis),
        _critical(row, basis),
        *_memory(basis),
        *_disturbed(basis),
        say("Predicted, not measured. To measure it: {command}", command=COMMAND),
    ]


def advised(table: pd.DataFrame) -> pd.Series:
    """The row of the loop that people train in: `fit` where it was timed."""
    fit = table[table["loop"] == "fit"]
    return (fit if len(fit) else table).iloc[0]


def _advice(row: pd.Series, basis: Basis) -> Message:
    return say(
        "Predicted, not measured: batch size {size}{interval} for {model} with {optimizer} on "
        "{dataset}, in {loop}.",
        size=whole(row["batch_size"]),
        interval=bracketed(row["predicted_batch_size_low"], row["predicted_batch_size_high"]),
        model=Message(name(basis.model)),
        optimizer=Message(name(basis.optimizer)),
        dataset=say("5,000 embedded digits") if basis.sample else Message(basis.dataset),
        loop=Message(name(row["loop"])),
    )


def _settings(row: pd.Series, basis: Basis) -> Iterator[Message]:
    steps = whole(row["steps_per_execution"])
    if basis.rate is None or basis.rate_at is None:
        yield say("Use steps_per_execution={steps} in model.fit.", steps=steps)
        return
    yield say(
        "Start from learning rate {rate} ({known} was the best of a coarse scan at batch size "
        "{at}), and use steps_per_execution={steps} in model.fit.",
        rate=significant(row["learning_rate"], 2),
        known=significant(basis.rate),
        at=whole(basis.rate_at),
        steps=steps,
    )


def prices(row: pd.Series) -> list[tuple[int, float, float, float]]:
    """Common sizes with their predicted time over the least possible, and its bounds."""
    sizes = [int(str(key).rpartition("_")[2]) for key in row.index if PRICE.fullmatch(str(key))]
    names = [f"cost_at_{size}" for size in sizes]
    return [
        (size, float(row[key]), float(row[f"{key}_low"]), float(row[f"{key}_high"]))
        for size, key in zip(sizes, names, strict=True)
    ]


def _prices(row: pd.Series) -> Message:
    parts = [
        say(
            "{times}{interval} at {size}",
            times=times(price),
            interval=bracketed(low, high),
            size=whole(size),
        )
        for size, price, low, high in prices(row)
    ]
    return say("Predicted time to a target, over the least: {prices}.", prices=joined(parts))


def _loop(row: pd.Series) -> Message:
    return say(
        "In {loop} a step costs {o} and an example {c}: batch size {best}{interval}.",
        loop=Message(name(row["loop"])),
        o=_seconds(row, "o"),
        c=_seconds(row, "c"),
        best=whole(row["predicted_batch_size"]),
        interval=bracketed(row["predicted_batch_size_low"], row["predicted_batch_size_high"]),
    )


def _seconds(row: pd.Series, cost: str) -> Message:
    ends = [seconds(row[f"{cost}{end}"], 2) for end in ("", "_low", "_high")]
    return say(
        "{value} ({low} to {high})", **dict(zip(("value", "low", "high"), ends, strict=True))
    )


def _noise(basis: Basis) -> Message:
    scale, low, high = basis.noise_scale
    return say(
        "The gradient's noise scale is {scale} examples{interval} after the start, probed at "
        "{moments} moments.",
        scale=whole(scale),
        interval=bracketed(low, high),
        moments=basis.moments,
    )


def _critical(row: pd.Series, basis: Basis) -> Message:
    words = {
        "factor": significant(row["factor"], 2),
        "interval": interval(row["factor_low"], row["factor_high"]),
        "critical": whole(row["b_crit"]),
        "bounds": bracketed(row["b_crit_low"], row["b_crit_high"]),
    }
    if basis.raced is None:
        told = say(
            "The critical batch size is taken as {factor} ({interval}) times that: "
            "{critical}{bounds}.",
            **words,
        )
    else:
        told = say(
            "Sizes {sizes} raced to a common loss, which tells a critical batch size of {raced}; "
            "with {factor} ({interval}) times the noise scale that makes {critical}{bounds}.",
            sizes=listed([whole(size) for size in basis.sizes]),
            raced=whole(basis.raced),
            **words,
        )
    return say("{one} {two}", one=told, two=_worth(basis))


def _worth(basis: Basis) -> Message:
    return say(
        "Of {n} complete studies, each predicted from the others, the advice costs at most "
        "{acceptable} times the best in {cheap}, and the interval holds the best in {held}.",
        n=basis.studies,
        cheap=basis.cheap,
        held=basis.held,
        acceptable=significant(ACCEPTABLE, 3),
    )


def _memory(basis: Basis) -> Iterator[Message]:
    if basis.largest:
        yield say(
            "Up to about batch size {size} fits into memory.", size=significant(basis.largest, 2)
        )


def _disturbed(basis: Basis) -> Iterator[Message]:
    if basis.warnings:
        yield say(
            "The clock gave {n} warnings, as where others use the machine: run it again when it is "
            "idle.",
            n=basis.warnings,
        )


def quick_page(table: pd.DataFrame, basis: Basis, tag: str, others: Sequence[Link]) -> SmallPage:
    """The page in one language, linked to the same page in the others."""
    first, *rest = sentences(table, basis)
    return SmallPage(tag, TITLE, others, first, rest, [_table(table)], basis.sample)


def _table(table: pd.DataFrame) -> Table:
    heads = [
        say("loop"),
        say("predicted batch size"),
        say("learning rate"),
        Message("steps_per_execution"),
        *(say("over the least at {size}", size=whole(size)) for size, *_ in prices(table.iloc[0])),
    ]
    rows = [_row(row) for _, row in table.iterrows()]
    columns = [Cell(head, numeric=k > 0) for k, head in enumerate(heads)]
    return Table(say("What each loop would make of it"), columns, rows)


def _row(row: pd.Series) -> list[Cell]:
    low, high = (row[f"predicted_batch_size_{end}"] for end in ("low", "high"))
    return [
        text(Message(name(row["loop"]))),
        ranged(row["batch_size"], low, high),
        number(row["learning_rate"], significant(row["learning_rate"], 2)),
        number(float(row["steps_per_execution"])),
        *(ranged(price, low, high, 2) for _, price, low, high in prices(row)),
    ]
