"""Variants against each other: pairs with a baseline, profiles over all studies, targets.

Pairs are corrected by Holm; profiles follow Dolan & Moré 2002.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.epoch_time import ROUNDING, over_rounds
from batchmark.statistics.intervals import (
    Array,
    Interval,
    Mean,
    Test,
    columns,
    holm,
    mean_of,
    median,
    product,
    student_of,
    total,
)
from batchmark.statistics.outcomes import confirmed_column, mean_column
from batchmark.statistics.study_data import StudyData, labels

Mask = NDArray[np.bool_]

DIFFERENCES = {
    "best_validation_error": "best_validation_error",
    "final_test_error": "final_test_accuracy",
    "final_train_error": "final_train_accuracy",
}


def compare(data: StudyData) -> pd.DataFrame:
    """All metrics of a study: ratios of epochs, seconds, times; differences of errors.

    What is "to target" comes for every target of the study, the rest stands with the main one.
    """
    if data.study.baseline not in data.ids:
        return pd.DataFrame()
    base = data.ids.index(data.study.baseline)
    seconds = np.log(data.ratios) - np.log(data.ratios[base])
    clock = mean_of(seconds), data.of_processes(base)
    tables = [_table(data, "seconds_per_epoch", total(*clock), seconds)]
    for target in data.targets:
        tables += _to_target(data, base, target, clock)
    for name, source in DIFFERENCES.items():
        values, counted = data.trials(source), data.counting_variance(source)
        # As errors: what is larger is worse in all of them.
        change = (values - values[base]) * (-1 if source.endswith("accuracy") else 1)
        tables.append(_table(data, name, total(mean_of(change, counted + counted[base])), change))
    return pd.concat(tables, ignore_index=True)


def _to_target(
    data: StudyData, base: int, target: float, clock: tuple[Mean, Mean]
) -> list[pd.DataFrame]:
    epochs, grid = data.epochs_to(target), data.grid_variance(target)
    speed = log_epoch_ratio(epochs, epochs[base], data.budget)
    needed = mean_of(speed, grid + grid[base])
    tables = [
        _table(data, "epochs_to_target", total(needed), speed, target),
        _table(data, "time_to_target", total(needed, *clock), speed, target),
    ]
    return [table.assign(target=target) for table in tables]


def log_epoch_ratio(epochs: Array, base: Array, budget: Array) -> Array:
    """log(epochs / base) per pair; a miss counts as the budget, both missed is no pair (NaN).

    Where `epochs` missed the true ratio is larger, where `base` did it is smaller.
    """
    limit = budget[..., None]
    missed = np.isinf(epochs) & np.isinf(base)
    with np.errstate(invalid="ignore"):
        ratio = np.log(np.minimum(epochs, limit) / np.minimum(base, limit))
    return np.where(missed, np.nan, ratio)


class Bounded(NamedTuple):
    """Of which pairs a ratio to the base is only a bound: the truth is larger, or smaller.

    A miss counts as its budget, which is too little, a first evaluation that saw the target as
    itself, which is too much.
    """

    larger: Mask
    smaller: Mask


def bounded_pairs(missed: Mask, first: Mask, base: int) -> Bounded:
    """Both sides' masks [variant, seed] against those of the base; both missed is no pair."""
    return Bounded(missed & ~missed[base] | first[base], missed[base] & ~missed | first)


def _table(
    data: StudyData, metric: str, test: Test, pairs: Array, target: float | None = None
) -> pd.DataFrame:
    base = data.ids.index(data.study.baseline)
    ratio = metric not in DIFFERENCES
    change = np.exp if ratio else np.asarray
    missed, first = np.zeros((2, *pairs.shape), bool)
    if target is not None:
        missed, first = np.isinf(data.epochs_to(target)), data.first_seen(target)
    larger, smaller = (mask.any(axis=1) for mask in bounded_pairs(missed, first, base))
    p = np.where(np.arange(len(test.p)) == base, np.nan, test.p)
    corrected = holm(p)
    estimate = change(test.estimate)
    # The clock's floor is of epochs; times to a target have the luck of seeds in them as well.
    floor = data.noise_floor if metric == "seconds_per_epoch" else 0.0
    far = np.abs(estimate - 1) > floor if ratio else True
    table = pd.DataFrame(
        {
            **data.place(),
            "variant": data.ids,
            "family": [" | ".join(labels(data.study.settings[id_])) for id_ in data.ids],
            "baseline": data.study.baseline,
            "target": data.target,
            "metric": metric,
            "kind": "ratio" if ratio else "difference",
            "estimate": estimate,
            # Pairs that are only upper bounds leave it open below, lower ones above.
            "low": np.where(smaller, change(-np.inf), change(test.low)),
            "high": np.where(larger, np.nan, change(test.high)),
            "high_unbounded": larger,
            "p": p,
            "p_holm": corrected,
            "pairs": (~np.isnan(pairs)).sum(axis=1),
            "censored": (missed ^ missed[base]).sum(axis=1),
            "both_missed": (missed & missed[base]).sum(axis=1),
            # A bound never makes a difference in the direction in which it errs.
            "distinguishable": (corrected < 0.05) & far & ~np.where(estimate < 1, larger, smaller),
        }
    )
    return table[np.arange(len(table)) != base]


def performance_profile(data: StudyData) -> pd.DataFrame:
    """Share of batch sizes at which a solver takes at most tau times the fastest solver's time.

    Solvers are the settings apart from the batch size; each batch size that at least one solver
    mastered is a workload; a miss is infinitely slow. What was not measured is no miss: only the
    solvers measured at most batch sizes take part, at the sizes that all of them were measured at.
    Only for studies with an optimizer axis.
    """
    seconds = _seconds(data) if "optimizer" in data.study.axes else pd.DataFrame()
    # A size that nobody mastered would divide infinity by infinity.
    solved = seconds[seconds.replace(np.inf, np.nan).dropna(axis=1, how="all").columns]
    if not solved.size:
        return pd.DataFrame()
    ratios = solved.to_numpy(float) / solved.to_numpy(float).min(axis=0)
    taus = np.unique(ratios[np.isfinite(ratios)])
    shares = (ratios[:, :, None] <= taus).mean(axis=1)
    return pd.DataFrame(
        {
            **data.place(),
            "target": data.target,
            "solver": np.repeat(solved.index.to_numpy(), len(taus)),
            "tau": np.tile(taus, len(solved)),
            "share": shares.ravel(),
            "workloads": ratios.shape[1],
        }
    )


def _seconds(data: StudyData) -> pd.DataFrame:
    """Time to target by solver and batch size, of the solvers and sizes that can be compared."""
    epochs, seconds = time_to(data)
    table = pd.DataFrame(
        {
            "solver": [" | ".join(labels(data.study.settings[variant])) for variant in data.ids],
            "workload": data.variants["batch_size"],
            "seconds": np.where(np.isinf(epochs.estimate), np.inf, seconds.estimate),
        }
    )
    wide = table.pivot_table(index="solver", columns="workload", values="seconds", aggfunc="min")
    measured = wide.notna().sum(axis=1)
    return wide[measured == measured.max()].dropna(axis=1)


ALL = slice(None)
Rows = NDArray[np.intp] | slice


def time_to(
    data: StudyData, target: float | None = None, rows: Rows = ALL
) -> tuple[Interval, Interval]:
    """Epochs and seconds to a target (the main one), one entry per variant in `rows`."""
    readings, steps = data.readings(target)
    epochs = median(readings[rows], steps[rows])
    return epochs, product(epochs, seconds_per_epoch(data, rows))


def seconds_per_epoch(data: StudyData, rows: Rows = ALL) -> Interval:
    """Seconds per epoch in the study's own timing, one entry per variant; NaN: not timed.

    As in `epoch_times`, which the summary shows.
    """
    logs, alike = np.log(data.ratios), np.log(data.ratios if data.alike is None else data.alike)
    others = (np.abs(logs) > ROUNDING).any(axis=1)
    processes = data.processes._replace(squared_error=others * data.processes.squared_error)
    ratios = product(over_rounds(logs, alike).exp(), student_of(processes).exp())
    return Interval(*(part[rows] * data.baseline_seconds for part in ratios))


def sensitivity(data: StudyData) -> pd.DataFrame:
    """One row per target of the study and variant.

    `fastest`: least median time to the target in the study; `relative_time_to_target`: over that.
    """
    return pd.concat([_one(data, target) for target in data.targets], ignore_index=True)


def _one(data: StudyData, target: float) -> pd.DataFrame:
    reached = np.isfinite(data.epochs_to(target))
    epochs, seconds = time_to(data, target)
    table = pd.DataFrame(
        {
            **data.place(),
            "target": target,
            "variant": data.ids,
            "batch_size": data.variants["batch_size"],
            "reached": reached.sum(axis=1),
            "trials": (~np.isnan(data.epochs_to(target))).sum(axis=1),
            **columns("epochs_to_target", epochs),
            **columns("time_to_target", seconds),
        }
    )
    best = table["time_to_target"].min()
    return table.assign(
        relative_time_to_target=table["time_to_target"] / best,
        fastest=table["time_to_target"] == best,
        **_other_readings(data, target),
    )


def _other_readings(data: StudyData, target: float) -> dict[str, Array]:
    """Epochs to the target where a single lucky evaluation does not count, and the fastest then."""
    speed, readings = seconds_per_epoch(data).estimate, {}
    for name, epochs in (
        ("confirmed", median(data.trials(confirmed_column(target))).estimate),
        ("mean_curve", np.fmin.reduce(data.trials(mean_column(target)), axis=1)),
    ):
        times = np.where(np.isfinite(epochs), epochs * speed, np.nan)
        readings[f"epochs_{name}"] = np.where(np.isfinite(epochs), epochs, np.nan)
        readings[f"fastest_{name}"] = times == np.fmin.reduce(times, initial=np.inf)
    return readings
