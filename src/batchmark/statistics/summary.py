"""The summary: one row per machine, device and variant."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from batchmark.statistics.epoch_time import EpochTimes
from batchmark.statistics.intervals import Array, columns, from_columns, median, product, wilson
from batchmark.statistics.outcomes import RUN

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

_TIMED = ["subject", "threads", "seconds_per_epoch", "seconds_per_epoch_low",
          "seconds_per_epoch_high", "examples_per_second", "flops_per_second", "share_of_peak",
          "peak_memory_bytes"]  # fmt: skip


def summarize(variants: pd.DataFrame, outcomes: pd.DataFrame, times: EpochTimes) -> pd.DataFrame:
    """The columns of `summary.csv`. `outcomes`: one row per trial, uncut.

    `missing` says why numbers are empty: `not reached` (by the median trial), `not timed`, both
    joined by a semicolon, or nothing; `status`, why a trial has no errors.
    """
    table = variants.drop(columns=["trials"]).rename(columns={"studies": "study"})
    table = table.merge(_achieved(outcomes), on=RUN, how="left")
    table = table.merge(_timed(variants, times), on=RUN, how="left")
    table = table.assign(**_time_to_target(table))
    return table.assign(**_relative(table), missing=_missing(table))


def _achieved(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Medians over the trials of each variant, and how many reached the target."""
    grouped = outcomes.groupby(RUN, observed=True, sort=False)
    needed = _wide(outcomes, "epochs_to_target")
    trials, reached = (~np.isnan(needed)).sum(axis=1), np.isfinite(needed).sum(axis=1)
    # Of each trial: the difference of two medians may be none of any.
    gap = outcomes["final_train_accuracy"] - outcomes["final_test_accuracy"]
    medians = (
        outcomes.assign(gap=gap)
        .groupby(RUN, observed=True, sort=False)[[*_MEASURED, "gap"]]
        .median()
    )
    epochs = median(needed, _wide(outcomes, "step_to_target"))
    share = wilson(reached, trials)
    table = medians.index.to_frame(index=False).assign(
        trials=trials,
        reached=reached,
        target=grouped["target"].first().to_numpy(float),
        reached_low=share.low,
        reached_high=share.high,
        **columns("epochs_to_target", epochs),
    )
    errors = {name: source.to_numpy(float) for name, source in _errors(medians)}
    return table.assign(**errors, **_statuses(grouped["status"]))


def _wide(outcomes: pd.DataFrame, name: str) -> Array:
    """A column as [variant, trial]; NaN behind a variant's last trial."""
    grouped = outcomes.groupby(RUN, observed=True, sort=False)
    rows, places = grouped.ngroup(), grouped.cumcount()
    wide = np.full((rows.max() + 1, places.max() + 1) if len(rows) else (0, 0), np.nan)
    wide[rows.to_numpy(), places.to_numpy()] = outcomes[name].to_numpy(float)
    return wide


def _errors(medians: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    yield "best_validation_error", medians["best_validation_error"]
    yield "best_epoch", medians["best_epoch"]
    yield "best_test_error", 1 - medians["test_accuracy_at_best"]
    yield "final_test_error", 1 - medians["final_test_accuracy"]
    yield "final_train_error", 1 - medians["final_train_accuracy"]
    yield "generalization_gap", medians["gap"]
    yield "small_weight_share", medians["small_weight_share"]
    yield "loss_spread", medians["oscillation"]


_MEASURED = ["best_validation_error", "best_epoch", "test_accuracy_at_best",
             "final_test_accuracy", "final_train_accuracy", "small_weight_share",
             "oscillation"]  # fmt: skip


def _statuses(grouped: "SeriesGroupBy") -> dict[str, list[str]]:
    found = [_status(statuses.tolist()) for _, statuses in grouped]
    return {"status": [one for one, _ in found], "statuses": [every for _, every in found]}


def _status(statuses: list[str]) -> tuple[str, str]:
    """The commonest status, `done` before others when they tie, and all of them counted."""
    counts = Counter(statuses)
    best = min(counts, key=lambda name: (-counts[name], name != "done", name))
    return best, ";".join(f"{name}:{counts[name]}" for name in sorted(counts))


def _timed(variants: pd.DataFrame, times: EpochTimes) -> pd.DataFrame:
    """The timing of a variant: the session of the first of its studies that timed it."""
    listed = times.variants
    order = variants.assign(studies=variants["studies"].fillna("").str.split(";"))
    order = order[[*RUN, "studies"]].explode("studies").rename(columns={"studies": "study"})
    order["rank"] = range(len(order))
    timed = listed.merge(order, on=[*RUN, "study"])
    timed = timed.sort_values(["rank", "threads"], ascending=[True, False], kind="stable")
    # The most threads that the first of its studies was timed at.
    first = timed.drop_duplicates(RUN)
    return first[[*RUN, "study", *_TIMED]].rename(columns={"study": "timed_in"})


def _time_to_target(table: pd.DataFrame) -> dict[str, Any]:
    measured = {str(name): values.to_numpy() for name, values in table.items()}
    epochs, seconds = (
        from_columns(name, measured) for name in ("epochs_to_target", "seconds_per_epoch")
    )
    return columns("time_to_target", product(epochs, seconds))


def _missing(table: pd.DataFrame) -> list[str]:
    reasons = {"not reached": "epochs_to_target", "not timed": "seconds_per_epoch"}
    empty = table[list(reasons.values())].isna().to_numpy(bool)
    return [";".join(np.array(list(reasons))[row]) for row in empty]


def _relative(table: pd.DataFrame) -> dict[str, Any]:
    """Per unit: over the fastest variant timed in the same session, whose id is the base."""
    ratios = {}
    for column_name, ratio in (
        ("seconds_per_epoch", "relative_epoch_time"),
        ("time_to_target", "relative_time_to_target"),
    ):
        groups = table.groupby(["machine", "device", "timed_in"], observed=True)[column_name]
        # Sessions are never compared: another hour is another machine.
        base = groups.transform("min")
        fastest = table[table[column_name] == base].drop_duplicates(
            ["machine", "device", "timed_in"]
        )
        keys = ["machine", "device", "timed_in"]
        named = table[keys].merge(fastest[[*keys, "variant"]], on=keys, how="left")["variant"]
        ratios |= {ratio: table[column_name] / base, f"{ratio}_base": named.to_numpy()}
    return ratios
