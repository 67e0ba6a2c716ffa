"""The first screen: what to do, a line for each other question, and what limits the answer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from batchmark.report.language.messages import (
    SPACE,
    Message,
    bracketed,
    each,
    enumerated,
    epochs,
    interval,
    joined,
    percent,
    say,
    seconds,
    significant,
    threads,
    times,
    trusted_digits,
    whole,
)
from batchmark.report.page.studies import TIMED
from batchmark.report.page.view import Answer, Line, Study
from batchmark.report.selection import (
    NEVER_TRAINED,
    Tables,
    at_home,
    headline_rows,
    headline_study,
    measured,
    name,
    setting,
    study_summary,
)

Facts = Mapping[str, Any]
# One sentence after the other.
SENTENCES = say("{one} {two}")
# What a study is about, where its name does not say it.
TERMS = {"device": say("threads")}
# A size with less of a chance to be the fastest is not named.
LIKELY = 0.1
# Below this two digits tell little of a factor.
CLOSE = 1.1


def answer(tables: Tables, studies: Sequence[Study]) -> Answer:
    """What `answer.json` says, as sentences; a line for each of `studies` that found something."""
    facts = tables.document("answer")
    others = [_line(study, tables) for study in studies if study.name != headline_study(tables)]
    lines = [line for line in others if line.text]
    if not facts.get("best_batch_size") or facts.get("seconds") is None:
        summary = tables.frame("summary")
        untimed = not summary.empty and not measured(summary, "seconds_per_epoch")
        return Answer(_undecidable(facts, untimed), "", lines, [])
    rows = headline_rows(tables)
    detail = [
        *_better(facts, rows),
        *_range(facts, rows),
        *_missed(facts, rows),
        *_rates(facts, rows),
        *_costs(facts),
    ]
    limits = [*_limits(facts, rows), *_check(tables), *_prediction(facts)]
    return Answer(_advice(facts), joined(detail, SENTENCES), lines, limits)


def _line(study: Study, tables: Tables) -> Line:
    finding = study.finding or next((one.title for one in study.figures if one.found), "")
    return Line(
        TERMS.get(study.name) or _words(study.name),
        finding,
        f"#study-{study.name}",
        next(_task(study.name, tables), ""),
    )


def _task(study: str, tables: Tables) -> Iterator[Message]:
    """To which target a study trains on how many images, where that is not the answer's."""
    rows, own = study_summary(tables, study), headline_rows(tables)
    if study in TIMED or not (measured(rows, "target") and measured(own, "target")):
        return
    task, answered = (
        [frame[column].dropna().unique().tolist() for column in ("target", "train_size")]
        for frame in (rows, own)
    )
    if task != answered and all(len(values) == 1 for values in task):
        (target,), (images,) = task
        yield say("to {target} on {n} images", target=percent(target), n=whole(images))


def _words(key: str) -> Message:
    return Message(key.replace("_", " "))


def _undecidable(facts: Facts, untimed: bool) -> Message:
    if facts.get("study") and untimed:
        return say("Nothing was timed, so there is no fastest batch size.")
    if facts.get("study") and facts.get("target"):
        return say(
            "No batch size reached {target} in the epochs it was given.",
            target=percent(facts["target"]),
        )
    return say("The batch size study was not part of this run, so there is no answer yet.")


def _advice(facts: Facts) -> Message:
    """The setting to use: the best that any table knows."""
    known = facts.get("best_known")
    if known:
        return say(
            "Use batch size {size} on {threads}."
            if known["by"] == "threads"
            else "Use batch size {size} with {setting}.",
            size=whole(known["batch_size"]),
            threads=threads(known["threads"]),
            setting=setting(known),
        )
    low, high = _ends(facts)
    if low == high:
        return say("Use batch size {size}.", size=whole(low))
    return say("Use batch size {low} to {high}.", low=whole(low), high=whole(high))


def _ends(facts: Facts) -> tuple[float, float]:
    """The smallest and the largest size that may be the fastest."""
    best = facts["best_batch_size"]
    return facts.get("best_batch_size_low") or best, facts.get("best_batch_size_high") or best


def _better(facts: Facts, rows: pd.DataFrame) -> Iterator[Message]:
    """What the best that another table knows takes, before the study of the answer speaks."""
    known = facts.get("best_known")
    if known:
        yield say(
            "It reaches {target} validation accuracy in about {seconds}. In the study of batch "
            "sizes, {setting} on {threads}:",
            target=percent(facts["target"]),
            seconds=seconds(known["seconds"], 1),
            setting=setting(_chosen(facts, rows)),
            threads=threads(_chosen(facts, rows)["threads"]),
        )


def _range(facts: Facts, rows: pd.DataFrame) -> Iterator[Message]:
    """The time of the sizes that tie, and how much longer the slowest of them takes."""
    low, high = _ends(facts)
    digits = trusted_digits(facts.get("seconds_low"), facts.get("seconds_high"))
    fields = {
        "target": percent(facts["target"]),
        "seconds": seconds(facts["seconds"], digits),
        "low": whole(low),
        "high": whole(high),
    }
    if low == high:
        yield say(
            "Batch size {low} reaches {target} validation accuracy in about {seconds}, sooner than "
            "every other size tried.",
            **fields,
        )
        return
    tied = rows[rows["batch_size"].between(low, high)]
    written = seconds(tied["time_to_target"].max(), digits)
    yield say(
        "Every size tried from {low} to {high} reaches {target} validation accuracy in about "
        "{seconds}. {chances}"
        if written == fields["seconds"]
        else "Every size tried from {low} to {high} reaches {target} validation accuracy in about "
        "{seconds} to {most}. {chances}",
        most=written,
        chances=_chances(facts, tied["batch_size"].tolist()),
        **fields,
    )


def _rates(facts: Facts, rows: pd.DataFrame) -> Iterator[Message]:
    """Which rates the sizes that tie have, where not every size has the same."""
    if rows["learning_rate"].nunique() > 1:
        tied = rows[rows["batch_size"].between(*_ends(facts))].sort_values("batch_size")
        if tied["learning_rate"].nunique() == 1:
            yield say("Learning rate: {rate}.", rate=significant(tied["learning_rate"].iloc[0]))
            return
        rates = [
            say("{rate} at {size}", rate=significant(rate), size=whole(size))
            for size, rate in zip(tied["batch_size"], tied["learning_rate"], strict=True)
        ]
        yield say("Learning rates: {rates}.", rates=joined(rates))


def _chances(facts: Facts, sizes: Sequence[int]) -> Message:
    """How likely each of the sizes that tie is the fastest, and why there are others."""
    known = facts.get("p_fastest") or {}
    shares = {size: known.get(str(size)) or 0.0 for size in sorted(set(sizes))}
    likely = sorted([size for size in shares if shares[size] >= LIKELY], key=lambda x: -shares[x])
    if not likely:
        return say("Which of them is best cannot be told.")
    words = [
        say("{size} ({share})", size=whole(size), share=percent(shares[size], 2)) for size in likely
    ]
    others = [whole(size) for size in shares if size not in likely]
    if not others:
        return say("Most likely the fastest: {sizes}.", sizes=joined(words))
    return say(
        "Most likely the fastest: {sizes}; with {others} the range holds the fastest in 95 % of "
        "experiments.",
        sizes=joined(words),
        others=enumerated(others),
    )


def _missed(facts: Facts, rows: pd.DataFrame) -> Iterator[Message]:
    """The sizes that did not get there at any rate, whatever became of them."""
    trained = rows[~rows["status"].isin(NEVER_TRAINED)]
    missed = trained.loc[trained["epochs_to_target"].isna(), "batch_size"].drop_duplicates()
    elsewhere = facts.get("reached_at_any_rate") or {}
    missed = missed[[not elsewhere.get(str(int(size))) for size in missed]]
    if len(missed):
        yield say(
            "Batch size {sizes} did not reach it within {epochs}."
            if len(missed) == 1
            else "Batch sizes {sizes} did not reach it within {epochs}.",
            sizes=enumerated([whole(size) for size in sorted(missed)]),
            epochs=epochs(trained["epochs"].max()),
        )


def _costs(facts: Facts) -> Iterator[Message]:
    """What common sizes cost over the best, as intervals: medians stand in the table."""
    nearest: dict[int, list[int]] = {}
    for common, cost in facts.get("cost_of", {}).items():
        bounded = cost["low"] and (cost["low"] > 1 or cost["high"] is not None)
        if cost["reached"] and bounded and cost["batch_size"] != facts["best_batch_size"]:
            nearest.setdefault(cost["batch_size"], []).append(int(common))
    if nearest:
        costs = [_cost(commons, facts["cost_of"]) for commons in nearest.values()]
        yield say("Over the time of the fastest (95 % intervals): {costs}.", costs=joined(costs))


def _cost(commons: list[int], costs: Mapping[str, Facts]) -> Message:
    """The interval of the measured size that is nearest to common ones."""
    cost = costs[str(commons[0])]
    size = Message(whole(cost["batch_size"]))
    if commons != [cost["batch_size"]]:
        named = enumerated([whole(common) for common in commons])
        size = say("{size} (nearest to {common})", size=size, common=named)
    low, high = cost["low"], cost["high"]
    # Not of a bound that is 1.
    digits = 3 if low < CLOSE and significant(low) != "1" else 2
    if high is None:
        return say("at least {times} at {size}", times=Message(times(low, digits)), size=size)
    ends = interval(low, high, digits)
    return say("{interval} at {size}", interval=f"{ends}{SPACE}×", size=size)


def _chosen(facts: Facts, rows: pd.DataFrame) -> pd.Series:
    """The summary's row of the answer."""
    own = rows[rows["variant"] == facts.get("variant")]
    return own.iloc[0] if len(own) else rows.iloc[0]


def _limits(facts: Facts, rows: pd.DataFrame) -> list[Message]:
    """What makes the answer unsure, the largest first; then what was not varied."""
    if rows.empty:
        return []
    sizes = [*_seeds(facts, rows), *_grid(facts, rows), *_clock(facts)]
    sized = [said for _, said in sorted(sizes, key=lambda one: -one[0])]
    return [*sized, *_detectable(facts), *_readings(facts), *_policies(facts, rows)]


Limit = tuple[float, Message]


def _seeds(facts: Facts, rows: pd.DataFrame) -> Iterator[Limit]:
    row = _chosen(facts, rows)
    low, high = row.get("epochs_to_target_low", math.nan), row.get("epochs_to_target_high")
    count = int(row["trials"])
    trials = say("1 trial") if count == 1 else say("{n} trials", n=count)
    if pd.isna(low) or pd.isna(high) or not low > 0:
        yield math.inf, say("Seeds: {trials} of the fastest size give no interval.", trials=trials)
        return
    yield (
        math.sqrt(high / low) - 1,
        say(
            "Seeds: {trials} of the fastest size, which needs {epochs} epochs ({interval}, a 95 % "
            "interval).",
            trials=trials,
            epochs=significant(row["epochs_to_target"]),
            interval=interval(low, high),
        ),
    )


def _grid(facts: Facts, rows: pd.DataFrame) -> Iterator[Limit]:
    row = _chosen(facts, rows)
    step = grid_step(row)
    if step:
        share = step / row["epochs_to_target"]
        yield (
            share / 2,
            say(
                "Tests: one {step}, {share} of the way to the target; nothing is known between "
                "two.",
                step=each(step),
                share=percent(share, 2),
            ),
        )


def _clock(facts: Facts) -> Iterator[Limit]:
    noise = facts.get("noise_floor")
    if noise is not None:
        yield (
            noise,
            say(
                "Clock: two timings of the same code differ by up to {noise}.",
                noise=percent(noise, 2),
            ),
        )


def _detectable(facts: Facts) -> Iterator[Message]:
    ratio = facts.get("detectable_ratio")
    if ratio:
        yield say(
            "Together: a difference below {times} would likely be missed.",
            times=times(ratio),
        )


def _readings(facts: Facts) -> Iterator[Message]:
    """Which other size is the fastest where a single lucky evaluation does not count."""
    other = facts.get("readings") or {}
    sizes = [other.get(name) for name in ("confirmed", "mean_curve")]
    best = facts["best_batch_size"]
    if any(size not in (None, best) for size in sizes):
        confirmed, mean = (say("none") if size is None else whole(size) for size in sizes)
        yield say(
            "First hits: by the first test that reached the target {best} is fastest, by two in a "
            "row {confirmed}, by the mean curve {mean}.",
            best=whole(best),
            confirmed=confirmed,
            mean=mean,
        )


def _check(tables: Tables) -> Iterator[Message]:
    """How well epochs times seconds predicted what training alone took."""
    product = at_home(tables, "product")
    if measured(product, "predicted_over_measured"):
        shares = product["predicted_over_measured"].dropna()
        fields = {"low": percent(shares.min()), "high": percent(shares.max())}
        yield say(
            "Check: epochs times seconds per epoch predict {low} of the time that training alone "
            "took."
            if fields["low"] == fields["high"]
            else "Check: epochs times seconds per epoch predict {low} to {high} of the time that "
            "training alone took.",
            **fields,
        )


def _prediction(facts: Facts) -> Iterator[Message]:
    """What noise scale and clock alone said, beside what was measured."""
    said = facts.get("prediction") or {}
    if said.get("measured"):
        yield say(
            "Prediction: noise scale, clock and earlier studies said batch size "
            "{predicted}{interval}, measured was {measured}{nearest}.",
            predicted=whole(said["predicted"]),
            interval=bracketed(said["low"], said["high"]),
            measured=whole(said["measured"]),
            nearest=_nearest(said),
        )


def _nearest(said: Facts) -> Message | str:
    """What the size costs that is nearest to a prediction, unless it is the best."""
    if said["nearest"] == said["measured"]:
        return ""
    if said["cost"] is None:
        return say("; {size}, the nearest tried, missed the target", size=whole(said["nearest"]))
    return say(
        "; {size}, the nearest tried, takes {times} the time",
        size=whole(said["nearest"]),
        times=times(said["cost"]),
    )


# How the rates of a policy follow the batch size.
RULES: Mapping[str, Message] = {
    "fixed": say("the learning rate {rate} for every size"),
    "sqrt": say("a learning rate that grows with the square root of the size, {rate} at {best}"),
    "linear": say("a learning rate in proportion to the size, {rate} at {best}"),
    "tuned": say("a learning rate tuned for each size, {rate} at {best}{cost}"),
    "own": say("a learning rate set for each size, {rate} at {best}"),
}


def _policies(facts: Facts, rows: pd.DataFrame) -> Iterator[Message]:
    """Under which policy for the learning rate the answer holds, and what the others say."""
    policy, every = facts.get("policy"), facts.get("policies", [])
    if not policy or (len(every) < 2 and policy["rule"] == "fixed"):
        yield from _one_rate(rows)
        return
    if len(every) < 2:
        yield say("Learning rate: this holds for {rule}.", rule=_rule(policy))
        return
    yield say(
        "Learning rate: this holds for {rule}; {others}.",
        rule=_rule(policy),
        others=joined([_other(one) for one in every if one["family"] != policy["family"]]),
    )


def _rule(policy: Facts) -> Message:
    cost = policy.get("tuning_epochs")
    tuning = say(" (tuning took {epochs} epochs a size)", epochs=significant(cost)) if cost else ""
    fields = {
        "rate": significant(policy["learning_rate"] or math.nan),
        "best": whole(policy["best_batch_size"] or policy["sizes"][0]),
        "cost": tuning,
    }
    return Message(RULES[policy["rule"]].text, fields)


def _other(policy: Facts) -> Message:
    """The fastest size of a policy that the answer does not rest on."""
    if policy["best_batch_size"] is None:
        return say("with {rule} no size got there", rule=_rule(policy))
    low, high = (whole(policy[f"best_batch_size_{end}"]) for end in ("low", "high"))
    # As many as where the same time stands among what was measured.
    digits = trusted_digits(policy.get("seconds_low"), policy.get("seconds_high"))
    return say(
        "with {rule} {low} is fastest, in about {seconds}"
        if low == high
        else "with {rule} one of {low} to {high} is fastest, in about {seconds}",
        rule=_rule(policy),
        low=low,
        high=high,
        seconds=seconds(policy["seconds"], digits),
    )


def _one_rate(rows: pd.DataFrame) -> Iterator[Message]:
    if rows["batch_size"].nunique() > 1 and rows["learning_rate"].nunique() == 1:
        yield say(
            "Learning rate: {rate} for every batch size; what each would do at its own is not part "
            "of this answer.",
            rate=significant(rows["learning_rate"].iloc[0]),
        )


def setup(tables: Tables) -> list[Message]:
    """What was trained and how: model, optimizer and rate, epochs, tests, threads."""
    rows = headline_rows(tables)
    if rows.empty:
        return []
    row = _chosen(tables.document("answer"), rows)
    return [*_network(row), setting(row, rows), *_budget(row), *_threads(rows)]


def _network(row: pd.Series) -> Iterator[Message]:
    model = Message(name(str(row["model"])))
    weights = row.get("parameters", math.nan)
    if pd.isna(weights):
        yield model
    else:
        yield say("{model} with {n} parameters", model=model, n=whole(weights))


def _budget(row: pd.Series) -> Iterator[Message]:
    if pd.isna(row.get("epochs", math.nan)):
        return
    step = grid_step(row)
    if step:
        yield say("at most {epochs}, tested {step}", epochs=epochs(row["epochs"]), step=each(step))
    else:
        yield say("at most {epochs}", epochs=epochs(row["epochs"]))


def _threads(rows: pd.DataFrame) -> Iterator[Message]:
    if measured(rows, "threads"):
        yield say("timed on {threads}", threads=threads(rows["threads"].dropna().max()))


def grid_step(row: pd.Series) -> float:
    """Epochs between two tests on validation data; 0 where that is not known."""
    step = row.get("evaluate_every", math.nan) / (row.get("examples_per_epoch") or math.nan)
    return float(step) if math.isfinite(step) else 0.0
