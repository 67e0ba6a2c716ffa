"""The first screen: one sentence, what it rests on, three numbers with links to their evidence."""

from collections.abc import Mapping
from typing import Any

from batchmark.report.messages import Message, say
from batchmark.report.names import name
from batchmark.report.numbers import (
    bracketed,
    interval,
    percent,
    seconds,
    times,
    trusted_digits,
    whole,
)
from batchmark.report.page.view import Answer, Statistic
from batchmark.report.phrases import listed
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

EVIDENCE = "#figure-time_to_target"
COMMON = ("32", "128", "1000")

Facts = Mapping[str, Any]
# A value, what it means, and a link to its evidence.
Shown = tuple[Message, Message, str]


def answer(tables: Tables, language: Language) -> Answer:
    """What `answer.json` says, as sentences."""
    facts = tables.document("answer")
    if not facts.get("best_batch_size") or facts.get("seconds") is None:
        return Answer(language.tell(_undecidable(facts)), "", [])
    statistics: list[Shown] = [_best(facts), *_costs(facts), *_noise(facts)]
    return Answer(
        language.tell(_sentence(facts)),
        language.tell(_basis(facts)),
        [
            Statistic(language.tell(value), language.tell(meaning), href)
            for value, meaning, href in statistics
        ],
    )


def _undecidable(facts: Facts) -> Message:
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
        times=times(worst["ratio"]),
    )


def _basis(facts: Facts) -> Message:
    noise = facts.get("noise_floor")
    return say(
        "Median of {trials} trials; 95 % interval of the time: {interval}; noise floor of the "
        "clock: {noise}.",
        trials=facts.get("trials", "n/a"),
        interval=_seconds_interval(facts),
        noise=percent(noise, 2) if noise is not None else say("not measured"),
    )


def _seconds_interval(facts: Facts) -> str | Message:
    low, high = facts.get("seconds_low"), facts.get("seconds_high")
    if low is None:
        return say("none")
    return f"{interval(low, high if high is not None else float('inf'))} s"


def _best(facts: Facts) -> Shown:
    low, high = facts.get("best_batch_size_low"), facts.get("best_batch_size_high")
    if low and high and low != high:
        meaning = say(
            "fastest batch size; {low} to {high} cannot be told from it",
            low=whole(low),
            high=whole(high),
        )
    else:
        meaning = say("fastest batch size")
    return Message(whole(facts["best_batch_size"])), meaning, EVIDENCE


def _costs(facts: Facts) -> list[Shown]:
    """What a common default costs: the first of 32, 128, 1000 whose nearest is not the best."""
    for size in COMMON:
        cost = facts.get("cost_of", {}).get(size)
        if cost and cost["batch_size"] != facts["best_batch_size"]:
            return [_cost(cost, size)]
    return []


def _cost(cost: Facts, size: str) -> Shown:
    measured = whole(cost["batch_size"])
    if not cost["reached"]:
        meaning = say(
            "by batch size {size}, the one measured nearest to the common {common}",
            size=measured,
            common=whole(float(size)),
        )
        return say("not reached"), meaning, EVIDENCE
    meaning = say(
        "the time, if you take batch size {size} blindly{range}",
        size=measured,
        range=bracketed(cost["low"], cost["high"]),
    )
    return Message(times(cost["ratio"])), meaning, EVIDENCE


def _noise(facts: Facts) -> list[Shown]:
    noise = facts.get("noise_floor")
    if noise is None:
        return []
    return [
        (
            Message(percent(noise, 2)),
            say("noise floor of this study's clock: smaller differences mean nothing"),
            "#figure-timing_noise",
        )
    ]
