"""The first screen: the answer, the evidence beside it, advice, and the original table."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from batchmark.contract.tables import COMMON_SIZES
from batchmark.report.language.messages import (
    Message,
    Text,
    bracketed,
    epochs,
    interval,
    listed,
    percent,
    percents,
    say,
    seconds,
    significant,
    times,
    trusted_digits,
    whole,
)
from batchmark.report.page.view import Answer, Cell, Download, Statistic, Table, csv_file, missed
from batchmark.report.selection import Tables, headline_rows, measured, name

ADVICE: Mapping[str, Sequence[Message]] = {
    "batch_size": (
        say(
            "Take any size inside the shaded region; below it you pay for steps, above it for "
            "epochs."
        ),
        say("When the target or the data change, measure again before you trust the number."),
    ),
    "learning_rate": (
        say("Do not compare batch sizes at one learning rate: tune it or scale it with the batch."),
    ),
    "optimizer": (
        say(
            "Choose by time to target at a rate you would really have found, not by the best rate "
            "in hindsight."
        ),
    ),
    "rprop": (say("Use sign-based steps only where a step sees all the data."),),
    "momentum": (
        say(
            "Momentum is the cheapest thing to try; lower the rate when you raise it towards 0.99."
        ),
    ),
    "regularization": (
        say("Use penalties when training and test accuracy part; expect nothing in speed."),
    ),
    "normalization": (
        say(
            "Normalize before you tune rates and scales; at batch sizes below 8 prefer layer or "
            "group."
        ),
    ),
    "train_size": (say("Do not carry a batch size over to a data set of another size."),),
    "model": (say("Do not carry a batch size over to another model."),),
    "device": (say("Measure on the device you train on: the fastest batch size moves with it."),),
}
CAVEATS: Mapping[str, Sequence[Message]] = {
    "batch_size": (
        say(
            "One learning rate for all sizes, as in the original: large batches would gain from a "
            "larger one."
        ),
    ),
    "momentum": (say("The learning rate stays fixed, so the effective step grows with momentum."),),
    "regularization": (
        say("Strengths of different penalties are not comparable with each other."),
    ),
}
TUNED = say("Rates are tuned with one seed on validation data; the shown trials use fresh seeds.")
# An interval of fewer is wider than the differences that matter.
FEW_TRIALS = 5
# About time alone: their trials belong to other studies.
TIMED = {"device"}


def advice(study: str) -> Sequence[Message]:
    """What a reader may do with the result."""
    return ADVICE.get(study, ())


def caveats(study: str, rows: pd.DataFrame) -> list[Message]:
    """What the study leaves open: its design, few trials, misses, sizes that did not run."""
    limits = list(CAVEATS.get(study, ()))
    if rows.empty or study in TIMED:
        return limits
    if rows["tuned"].astype(bool).any():
        limits.append(TUNED)
    trials = int(rows["trials"].min())
    if trials < FEW_TRIALS:
        limits.append(
            say("Only one trial a variant: nothing tells luck from a difference.")
            if trials == 1
            else say("Only {trials} trials a variant: intervals are wide.", trials=trials)
        )
    missed = int((rows["reached"] < rows["trials"]).sum())
    if missed:
        limits.append(
            say(
                "{missed} of {all} variants missed the target in at least one trial; misses count "
                "as infinite.",
                missed=missed,
                all=len(rows),
            )
        )
    return limits


@dataclass(frozen=True)
class Measure:
    """One row: its name, our value, the published column and how to write both.

    `base`: its values are divided by a batch size's. `needs_target`: has no value where training
    missed the target. `counted`: says how many of the trials reached it.
    """

    name: Message
    ours: Callable[[pd.Series], float]
    published: str
    write: Callable[[float], str] = significant
    base: bool = False
    needs_target: bool = False
    counted: bool = False


def _column(name: str) -> Callable[[pd.Series], float]:
    return lambda row: float(row.get(name, math.nan))


def _error(name: Message, column: str) -> Measure:
    return Measure(name, _column(column), column, percents)


def measures(epochs_base: float, time_base: float) -> list[Measure]:
    """The rows of the original, with the bases of the per-unit ones."""
    return [
        Measure(say("total epochs"), _column("epochs"), "total_epochs", whole),
        Measure(
            say("total iterations"),
            lambda row: row["epochs"] * row["steps_per_epoch"],
            "total_iterations",
            whole,
        ),
        Measure(
            say("time of all epochs, per unit"),
            lambda row: row["seconds_per_epoch"] / epochs_base,
            "time_200_epochs_pu",
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
            base=True,
            needs_target=True,
        ),
        _error(say("best validation error (%)"), "best_validation_error"),
        Measure(say("epoch of the best validation error"), _column("best_epoch"), "best_epoch"),
        _error(say("test error at that epoch (%)"), "best_test_error"),
        _error(say("final test error (%)"), "final_test_error"),
    ]


def headline(tables: Tables) -> Table:
    """Empty rows when the study was not part of the plan."""
    frame = headline_rows(tables)
    caption = say("The original study's table, measured here")
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.drop_duplicates("batch_size").sort_values("batch_size", ascending=False)
    published = tables.frame("published")
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
    frame = headline_rows(tables)
    if frame.empty:
        return ""
    return say(
        "The same rows as in the study that started this. Ours in black, the published value "
        "in grey beneath it; “–” where the original gives none. Their target was 99 % and "
        "their budget 200 epochs, ours {target} and {epochs}: compare the order, not the "
        "digits.",
        target=percent(frame["target"].iloc[0]),
        epochs=epochs(frame["epochs"].max()),
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
    value = float(measure.ours(row))
    if math.isfinite(value) and not (measure.needs_target and row["reached"] == 0):
        share = _share(row) if measure.counted else ""
        text = f"{measure.write(value)}{share}"
        return Cell(text, repr(value), numeric=True, under=published)
    return replace(missed(_reason(row, measure)), under=published)


def _share(row: pd.Series) -> str:
    """k of n, where some trials missed."""
    reached, trials = int(row["reached"]), int(row["trials"])
    return "" if reached == trials else f" ({reached}/{trials})"


def _reason(row: pd.Series, measure: Measure) -> Message:
    if row["status"] in ("diverged", "not_learning"):
        return say("cannot converge")
    if measure.needs_target and row["reached"] == 0:
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
    columns = ["measure", *(str(int(size)) for size in frame["batch_size"])]
    body = [
        [str(row.name), *(float(row.ours(ours)) for _, ours in frame.iterrows())] for row in rows
    ]
    return csv_file("headline", columns, body)


EVIDENCE = "#figure-time_to_target"

Facts = Mapping[str, Any]


def answer(tables: Tables) -> Answer:
    """What `answer.json` says, as sentences."""
    facts = tables.document("answer")
    if not facts.get("best_batch_size") or facts.get("seconds") is None:
        summary = tables.frame("summary")
        untimed = not summary.empty and not measured(summary, "seconds_per_epoch")
        return Answer(_undecidable(facts, untimed), "", [])
    statistics = [_best(facts), *_costs(facts), *_noise(facts)]
    return Answer(_sentence(facts), _basis(facts), statistics)


def _undecidable(facts: Facts, untimed: bool) -> Message:
    if facts.get("study") and untimed:
        return say("Nothing was timed, so there is no fastest batch size.")
    if facts.get("study") and facts.get("target"):
        return say(
            "No batch size reached {target} in the epochs it was given.",
            target=percent(facts["target"]),
        )
    return say("The batch size study was not part of this run, so there is no answer yet.")


def _sentence(facts: Facts) -> Message:
    low, high = facts.get("best_batch_size_low"), facts.get("best_batch_size_high")
    digits = trusted_digits(facts.get("seconds_low"), facts.get("seconds_high"))
    fields = {
        "device": str(facts["device"]).upper(),
        "optimizer": name(str(facts.get("optimizer", "sgd"))),
        "target": percent(facts["target"]),
        "seconds": seconds(facts["seconds"], digits),
        "cost": _worst_cost(facts),
    }
    if low and high and low != high:
        return say(
            "On this {device}, {optimizer} reaches {target} fastest between batch sizes {low} and "
            "{high}, in about {seconds}: which of them, we cannot tell{cost}.",
            low=whole(low),
            high=whole(high),
            **fields,
        )
    return say(
        "On this {device}, {optimizer} reaches {target} fastest at batch size {best}, in about "
        "{seconds}{cost}.",
        best=whole(facts["best_batch_size"]),
        **fields,
    )


def _worst_cost(facts: Facts) -> Message | str:
    """What the most expensive of the common defaults costs, if it costs more than noise."""
    costs = list(facts.get("cost_of", {}).values())
    missed = [whole(cost["batch_size"]) for cost in costs if not cost["reached"]]
    if missed:
        return say("; {sizes} did not get there in the epochs given", sizes=listed(missed))
    known = [cost for cost in costs if cost["ratio"]]
    worst = max(known, key=lambda cost: cost["ratio"], default=None)
    if worst is None or worst["ratio"] <= 1 + float(facts.get("noise_floor") or 0):
        return ""
    return say(
        "; taking {size} blindly costs {times}",
        size=whole(worst["batch_size"]),
        times=_ratio(worst),
    )


def _ratio(cost: Facts) -> Message:
    """Where some trials missed the target, what they would have cost is not known."""
    known = Message(times(cost["ratio"]))
    return say("at least {times}", times=known) if cost.get("at_least") else known


def _basis(facts: Facts) -> Message:
    noise = facts.get("noise_floor")
    return say(
        "Median of {trials} trials; 95 % interval of the time: {interval}; noise floor of the "
        "clock: {noise}.{readings}",
        readings=_readings(facts),
        trials=facts.get("trials", "n/a"),
        interval=_seconds_interval(facts),
        noise=percent(noise, 2) if noise is not None else say("not measured"),
    )


def _readings(facts: Facts) -> Message | str:
    """Which other size is the fastest where a single lucky evaluation does not count."""
    other = facts.get("readings") or {}
    sizes = {name: other.get(name) for name in ("confirmed", "mean_curve")}
    best = facts.get("best_batch_size")
    if all(size in (None, best) for size in sizes.values()):
        return ""
    confirmed, mean = (say("none") if size is None else whole(size) for size in sizes.values())
    return say(
        " At the first evaluation that reached the target {best} is fastest; by two in a row it is "
        "{confirmed}, by the mean curve {mean}.",
        best=whole(best),
        confirmed=confirmed,
        mean=mean,
    )


def _seconds_interval(facts: Facts) -> str | Message:
    low, high = facts.get("seconds_low"), facts.get("seconds_high")
    if low is None:
        return say("none")
    return f"{interval(low, high if high is not None else float('inf'))} s"


def _best(facts: Facts) -> Statistic:
    low, high = facts.get("best_batch_size_low"), facts.get("best_batch_size_high")
    if low and high and low != high:
        meaning = say(
            "fastest batch size; {low} to {high} cannot be told from it{chances}",
            low=whole(low),
            high=whole(high),
            chances=_chances(facts),
        )
    else:
        meaning = say("fastest batch size")
    return Statistic(whole(facts["best_batch_size"]), meaning, EVIDENCE)


def _chances(facts: Facts) -> Message | str:
    """How likely each of the tied sizes is the fastest, where that is known."""
    known = facts.get("p_fastest") or {}
    shares = [(size, known.get(str(size))) for size in facts.get("tied_batch_sizes", [])]
    if not shares or any(share is None for _, share in shares):
        return ""
    each = [f"{whole(size)}: {percent(share, 2)}" for size, share in shares]
    return say(" (chances to be the fastest: {each})", each=", ".join(each))


def _costs(facts: Facts) -> list[Statistic]:
    """What a common default costs: the first of 32, 128, 1000 whose nearest is not the best."""
    for size in map(str, COMMON_SIZES):
        cost = facts.get("cost_of", {}).get(size)
        if cost and cost["batch_size"] != facts["best_batch_size"]:
            return [_cost(cost, size)]
    return []


def _cost(cost: Facts, size: str) -> Statistic:
    measured = whole(cost["batch_size"])
    if not cost["reached"]:
        meaning = say(
            "by batch size {size}, the one measured nearest to the common {common}",
            size=measured,
            common=whole(float(size)),
        )
        return Statistic(say("not reached"), meaning, EVIDENCE)
    meaning = say(
        "the time, if you take batch size {size} blindly{range}",
        size=measured,
        range=bracketed(cost["low"], cost["high"]),
    )
    return Statistic(_ratio(cost), meaning, EVIDENCE)


def _noise(facts: Facts) -> list[Statistic]:
    noise = facts.get("noise_floor")
    if noise is None:
        return []
    meaning = say("noise floor of this study's clock: smaller differences mean nothing")
    return [Statistic(percent(noise, 2), meaning, "#figure-timing_noise")]
