"""Seconds per epoch of every timed subject, free of drift, and the noise floor of each session."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.statistics.intervals import LEVEL, Array, Interval, median, product

SESSION = ["machine", "device", "study"]
SUBJECT = [*SESSION, "subject"]
Sessions = dict[tuple[str, str, str], NDArray[np.intp]]


@dataclass(frozen=True)
class EpochTimes:
    """Timed subjects and, row by row, their ratio to the baseline in every round.

    `subjects`: a row of subjects.csv each, with `ratio`, `seconds_per_epoch` (+ `_low`, `_high`),
    `examples_per_second`, `flops_per_second`, `share_of_peak`. `ratios`: [subject, round], NaN
    where a round has no reading.
    """

    subjects: pd.DataFrame
    ratios: Array

    @property
    def variants(self) -> pd.DataFrame:
        """One row per subject and variant it stands for, indexed by the subject's row."""
        listed = self.subjects.assign(variant=self.subjects["variants"].fillna("").str.split(";"))
        exploded = listed.explode("variant")
        return exploded[exploded["variant"] != ""]


def epoch_times(timings: pd.DataFrame, subjects: pd.DataFrame) -> EpochTimes:
    """Median ratio over rounds times the baseline's median seconds per epoch in the same session.

    Within a round the median over visits. Sessions are never pooled. Processes are a random effect
    (Kalibera & Jones 2013): what they differ by widens the intervals, as `between_processes` says.
    """
    timings = timings[~timings["repeated"].astype(bool)]
    wide = (
        timings.groupby([*SUBJECT, "round"], observed=True, sort=False)["ratio_to_baseline"]
        .median()
        .unstack("round")
    )
    timed = subjects.merge(wide.index.to_frame(index=False), on=SUBJECT)
    ratios = wide.loc[pd.MultiIndex.from_frame(timed[SUBJECT])].to_numpy(float)
    ratio = product(median(ratios), _of_processes(timed, timings, ratios))
    return EpochTimes(_with_seconds(timed, timings, ratio), ratios)


def _of_processes(timed: pd.DataFrame, timings: pd.DataFrame, ratios: Array) -> Interval:
    """A factor of 1 per subject with what another choice of processes would do to its ratio."""
    width = np.zeros(len(timed))
    baselines = timings[timings["role"] == "baseline"]
    turns = baselines.groupby([*SESSION, "round"], observed=True)["process"].first()
    # The baseline is in its own process, the control in another: its rounds show the difference.
    subjects = (timed["role"] == "subject").to_numpy(bool)
    sessions = cast(Sessions, timed.groupby(SESSION, observed=True).indices)
    for session, rows in sessions.items():
        turn = turns.loc[session].reindex(range(ratios.shape[1])).to_numpy(float)
        chosen = rows[subjects[rows]]
        width[chosen] = between_processes(np.log(ratios[chosen]), turn)
    return Interval(np.ones(len(timed)), np.exp(-width), np.exp(width))


def between_processes(logs: Array, turns: Array) -> float:
    """Half the 95 % interval of a mean over processes from what processes differ by.

    `logs`: log ratios [subject, round]; `turns`: the process of each round, NaN without one. A
    random effect of the same variance for all subjects, by analysis of variance: that of the means
    of processes less what rounds explain. 0 for one process or rounds too few to tell.
    """
    parts = [logs[:, turns == process] for process in np.unique(turns[~np.isnan(turns)])]
    counts = np.array([(~np.isnan(part)).sum(axis=1) for part in parts])
    whole = (counts > 1).all(axis=0) if len(parts) > 1 else np.zeros(0, bool)
    if not whole.any():
        return 0.0
    means = np.array([np.nanmean(part[whole], axis=1) for part in parts])
    rounds = np.array([np.nanvar(part[whole], axis=1, ddof=1) for part in parts]) / counts[:, whole]
    # Means of processes vary by what processes differ by and by what rounds leave in a mean.
    variance = (means.var(axis=0, ddof=1) - rounds.mean(axis=0)).mean()
    return _half_width(max(variance, 0.0), len(parts), int(whole.sum()) * (len(parts) - 1))


def _half_width(variance: float, processes: int, freedom: int) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415 half a second, not needed by readers

    return float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance / processes))


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
