"""Seconds per epoch of every timed subject, free of drift, and the noise floor of each session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.intervals import (
    EXACT,
    Array,
    Interval,
    Mean,
    mean_of,
    product,
    student_of,
)

SESSION = ["machine", "device", "study"]
SUBJECT = [*SESSION, "subject"]
# Of the normal distribution, the median distance from its centre.
NORMAL_QUARTILE = 0.6745
OUTLIER_LIMIT = 3.5
ROUNDING = 1e-9
# What subjects have in common whose times scatter alike.
ALIKE = [*SESSION, "threads", "loop"]
Sessions = dict[tuple[str, str, str], NDArray[np.intp]]


@dataclass(frozen=True)
class EpochTimes:
    """Timed subjects and, row by row, their ratio to the baseline in every round.

    `subjects`: a row of subjects.csv each, with `ratio`, `seconds_per_epoch` (+ `_low`, `_high`),
    `examples_per_second`, `flops_per_second`, `share_of_peak`. `ratios`: [subject, round], NaN
    where a round has no reading. `processes`: by session, what another choice of processes would
    do to a subject's log ratio.
    """

    subjects: pd.DataFrame
    ratios: Array
    processes: Mapping[tuple[str, str, str], Mean] = field(default_factory=dict)

    @property
    def variants(self) -> pd.DataFrame:
        """One row per subject and variant it stands for, indexed by the subject's row."""
        listed = self.subjects.assign(variant=self.subjects["variants"].fillna("").str.split(";"))
        exploded = listed.explode("variant")
        return exploded[exploded["variant"] != ""]


def epoch_times(timings: pd.DataFrame, subjects: pd.DataFrame) -> EpochTimes:
    """Mean ratio over rounds times the baseline's median seconds per epoch in the same session.

    Means are geometric. Sessions are never pooled. Processes are a random effect (Kalibera & Jones
    2013): what they differ by widens the intervals, as `between_processes` says.
    """
    timings = timings[~timings["repeated"].astype(bool)]
    logs = timings.assign(log=np.log(timings["ratio_to_baseline"].to_numpy(float)))
    wide = (
        logs.groupby([*SUBJECT, "round"], observed=True, sort=False)["log"].mean().unstack("round")
    )
    timed = subjects.merge(wide.index.to_frame(index=False), on=SUBJECT)
    rounds = wide.loc[pd.MultiIndex.from_frame(timed[SUBJECT])].to_numpy(float, copy=True)
    ratio = np.empty((3, len(timed)))
    for rows in timed.groupby(ALIKE, observed=True).indices.values():
        rounds[rows] = without_outliers(rounds[rows])
        ratio[:, rows] = over_rounds(rounds[rows], rounds[rows]).exp()
    processes = _of_processes(timed, timings, rounds)
    own = [processes[session] for session in timed[SESSION].itertuples(index=False, name=None)]
    # The baseline is in its own process, the control in another: its rounds show the difference.
    varied = (timed["role"] == "subject").to_numpy(bool)
    others = Mean(*np.where(varied, np.array(own).reshape(-1, 3).T, np.array(EXACT)[:, None]))
    widened = product(Interval(*ratio), student_of(others).exp())
    return EpochTimes(_with_seconds(timed, timings, widened), np.exp(rounds), processes)


def over_rounds(logs: Array, alike: Array) -> Interval:
    """Means of log ratios [subject, round] over rounds, with Student's intervals.

    One variance for all subjects of the session that train `alike`, these among them: they scatter
    alike, and the few rounds of one tell little of its own. Its degrees of freedom are those of a
    sum of correlated variances (Satterthwaite), since all subjects share the baseline. NaN bounds
    for fewer than two rounds.
    """
    mean, others = mean_of(logs), mean_of(alike)
    scattered = _varies(others)
    whole = alike[scattered][:, ~np.isnan(alike[scattered]).any(axis=0)]
    if whole.shape[1] < 2 or not len(whole):
        return student_of(mean)
    covariance = np.atleast_2d(np.cov(whole))
    independent = covariance.trace() ** 2 / (covariance**2).sum()
    pooled = np.where(_varies(mean), others.squared_error[scattered].mean(), mean.squared_error)
    return student_of(mean._replace(squared_error=pooled, freedom=mean.freedom * independent))


def _varies(mean: Mean) -> NDArray[np.bool_]:
    """Which are known to: the baseline is itself in every round, but for rounding errors."""
    return ~np.isnan(mean.squared_error) & ~(mean.squared_error <= ROUNDING**2)


def without_outliers(logs: Array) -> Array:
    """A session's log ratios [subject, round], those far from their subject's median moved nearer.

    To 3.5 standard deviations, estimated by the median deviation (Iglewicz & Hoaglin 1993) of all
    subjects, since few rounds tell little of one. One disturbed visit then decides nothing.
    """
    known = ~np.isnan(logs).all(axis=1)
    away = np.full(logs.shape, np.nan)
    away[known] = logs[known] - np.nanmedian(logs[known], axis=1, keepdims=True)
    # A median is at no distance from itself, nor is the baseline, but for rounding errors.
    distances = np.abs(away[np.abs(away) > ROUNDING])
    if not distances.size:
        return logs
    limit = OUTLIER_LIMIT * np.median(distances) / NORMAL_QUARTILE
    return logs - away + np.clip(away, -limit, limit)


def _of_processes(
    timed: pd.DataFrame, timings: pd.DataFrame, logs: Array
) -> dict[tuple[str, str, str], Mean]:
    baselines = timings[timings["role"] == "baseline"]
    turns = baselines.groupby([*SESSION, "round"], observed=True)["process"].first()
    subjects = (timed["role"] == "subject").to_numpy(bool)
    sessions = cast(Sessions, timed.groupby(SESSION, observed=True).indices)
    return {
        session: between_processes(
            logs[rows[subjects[rows]]],
            turns.loc[session].reindex(range(logs.shape[1])).to_numpy(float),
        )
        for session, rows in sessions.items()
    }


def between_processes(logs: Array, turns: Array) -> Mean:
    """What another choice of processes would do to a mean of log ratios: 0 with its error.

    `logs`: log ratios [subject, round]; `turns`: the process of each round, NaN without one. A
    random effect of the same variance for all subjects, by analysis of variance: that of the means
    of processes less what rounds explain. Exactly 0 for one process or rounds too few to tell.
    """
    parts = [logs[:, turns == process] for process in np.unique(turns[~np.isnan(turns)])]
    counts = np.array([(~np.isnan(part)).sum(axis=1) for part in parts])
    whole = (counts > 1).all(axis=0) if len(parts) > 1 else np.zeros(0, bool)
    if not whole.any():
        return EXACT
    means = np.array([np.nanmean(part[whole], axis=1) for part in parts])
    rounds = np.array([np.nanvar(part[whole], axis=1, ddof=1) for part in parts]) / counts[:, whole]
    # Means of processes vary by what processes differ by and by what rounds leave in a mean.
    variance = (means.var(axis=0, ddof=1) - rounds.mean(axis=0)).mean()
    if not variance > 0:
        return EXACT
    return Mean(0.0, variance / len(parts), float(whole.sum() * (len(parts) - 1)))


def _with_seconds(timed: pd.DataFrame, timings: pd.DataFrame, ratio: Interval) -> pd.DataFrame:
    # One baseline a session, at the most threads: ratios of fewer threads are over it, too.
    baselines = timings[timings["role"] == "baseline"]
    seconds = baselines.groupby(SESSION, observed=True)["seconds_per_epoch"].median()
    keys = pd.MultiIndex.from_frame(timed[SESSION])
    baseline = seconds.reindex(keys).to_numpy(float)
    per_epoch = ratio.estimate * baseline
    steps = timed["steps_per_epoch"].to_numpy(float) / per_epoch
    flops = pd.to_numeric(timed["flops_per_step"]).to_numpy(float) * steps
    return timed.assign(
        ratio=ratio.estimate,
        ratio_low=ratio.low,
        ratio_high=ratio.high,
        seconds_per_epoch=per_epoch,
        seconds_per_epoch_low=ratio.low * baseline,
        seconds_per_epoch_high=ratio.high * baseline,
        examples_per_second=timed["examples_per_epoch"].to_numpy(float) / per_epoch,
        flops_per_second=flops,
        share_of_peak=flops / pd.to_numeric(timed["peak_flops_per_second"]).to_numpy(float),
    )


def noise(timings: pd.DataFrame, times: EpochTimes) -> pd.DataFrame:
    """One row per session: what two copies of the same thing (A/A) differ by.

    `noise_floor`: the largest deviation from 1 inside the control's interval; smaller differences
    between subjects mean nothing. `baseline_drift`: how far the baseline's median of some round is
    from its median of the session, as a share. `spread`: relative interquartile range of the
    control's rounds.
    """
    controls = times.subjects["role"] == "control"
    table = times.subjects.loc[controls, [*SESSION, "threads", "ratio", "ratio_low", "ratio_high"]]
    table = table.rename(columns={"ratio_low": "low", "ratio_high": "high"})
    timings = timings[~timings["repeated"].astype(bool)]
    ratios = times.ratios[controls.to_numpy(bool)]
    lower, upper = (np.nanquantile(ratios, share, axis=1) for share in (0.25, 0.75))
    baselines = timings[timings["role"] == "baseline"]
    rounds = baselines.groupby([*SESSION, "round"], observed=True)["seconds_per_epoch"].median()
    drift = rounds.groupby(level=SESSION, observed=True).agg(_largest_deviation)
    return table.assign(
        noise_floor=np.fmax((table["low"] - 1).abs(), (table["high"] - 1).abs()),
        spread=upper - lower,
        baseline_drift=drift.reindex(pd.MultiIndex.from_frame(table[SESSION])).to_numpy(float),
        rounds=(~np.isnan(ratios)).sum(axis=1),
    )


def _largest_deviation(values: "pd.Series[float]") -> float:
    return float((values / values.median() - 1).abs().max())


def check_product(lone: pd.DataFrame, outcomes: pd.DataFrame, times: EpochTimes) -> pd.DataFrame:
    """One row per lone run that came to its target: predicted and measured seconds.

    `outcomes`: one row per study and trial. Predicted are the epochs of the same seed's trial,
    which trained on one core, times the seconds per epoch of the session; NaN where it missed.
    """
    key = [*SESSION, "variant"]
    # Lone runs train with all cores.
    most = times.variants.sort_values("threads", ascending=False).drop_duplicates(key)
    came = lone[lone["reached"].astype(bool)].merge(most[[*key, "seconds_per_epoch"]], on=key)
    trials = outcomes.set_index([*key, "seed"])
    rows = zip(*(came[name] for name in [*key, "seed"]), strict=True)
    columns = [f"epochs_to_{target:g}" for target in came["target"]]
    epochs = [float(trials[name].get(row, np.inf)) for name, row in zip(columns, rows, strict=True)]
    needed = np.where(np.isfinite(epochs), epochs, np.nan)
    predicted = needed * came["seconds_per_epoch"].to_numpy(float)
    checked = came.drop(columns=["reached", "message", "seconds_per_epoch"], errors="ignore")
    return checked.assign(
        epochs_to_target=needed,
        predicted_seconds=predicted,
        predicted_over_measured=predicted / came["seconds"].to_numpy(float),
    )
