"""What to do with a study's result, and what it does not show."""

from collections.abc import Mapping, Sequence

import pandas as pd

from batchmark.report.messages import Message, say

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
FEW_TRIALS = 5
# About time alone: their trials belong to other studies.
TIMED = {"device"}


def advice(study: str) -> Sequence[Message]:
    """What a reader may do with the result."""
    return ADVICE.get(study, ())


def caveats(study: str, rows: pd.DataFrame) -> list[Message]:
    """What the study leaves open: its design, few trials, misses, sizes that did not run."""
    found = list(CAVEATS.get(study, ()))
    if rows.empty or study in TIMED:
        return found
    if rows["tuned"].astype(bool).any():
        found.append(TUNED)
    trials = int(rows["trials"].min())
    if trials < FEW_TRIALS:
        found.append(say("Only {trials} trials a variant: intervals are wide.", trials=trials))
    missed = int((rows["reached"] < rows["trials"]).sum())
    if missed:
        found.append(
            say(
                "{missed} of {all} variants missed the target in at least one trial; misses count "
                "as infinite.",
                missed=missed,
                all=len(rows),
            )
        )
    return found
