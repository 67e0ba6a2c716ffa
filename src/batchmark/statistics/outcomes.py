"""What each trial achieved within the budget of each study: targets, best errors, oscillation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.tables import read_table
from batchmark.statistics.intervals import Array

RUN = ["machine", "device", "variant"]
TRIAL = [*RUN, "seed"]
AT_END = ["final_test_accuracy", "final_train_accuracy", "small_weight_share"]
ENDED_EARLY = ("diverged", "not_learning")
# A budget of 3 epochs includes the evaluation at 3 + rounding.
_ROUNDING = 1 + 1e-6
_READ = [*TRIAL, "epoch", "loss", "loss_spread", "validation_accuracy"]


@dataclass(frozen=True)
class Curves:
    """All evaluations of all trials, one trial after the other.

    `trials` has one row per trial that was evaluated at all; trial i owns the evaluations from
    `starts[i]` to `starts[i + 1]`.
    """

    trials: pd.DataFrame
    starts: NDArray[np.intp]
    epoch: Array
    loss: Array
    loss_spread: Array
    accuracy: Array

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Evaluations per trial."""
        return np.diff(self.starts, append=len(self.epoch))

    def of(self, chosen: NDArray[np.bool_]) -> "Curves":
        """The curves of some trials only."""
        rows = np.repeat(chosen, self.lengths)
        lengths = self.lengths[chosen]
        return Curves(
            trials=self.trials[chosen].reset_index(drop=True),
            starts=np.cumsum(lengths) - lengths,
            epoch=self.epoch[rows],
            loss=self.loss[rows],
            loss_spread=self.loss_spread[rows],
            accuracy=self.accuracy[rows],
        )


def read_curves(folder: Path) -> Curves:
    """Read `epochs.csv`, whose trials are contiguous and in time order."""
    frame = read_table(folder, "epochs", _READ)
    keys = frame[TRIAL]
    fresh = (keys != keys.shift()).any(axis=1).to_numpy(bool)
    numbers = {name: frame[name].to_numpy(float) for name in _READ[len(TRIAL) :]}
    return Curves(
        trials=keys[fresh].reset_index(drop=True),
        starts=np.flatnonzero(fresh),
        epoch=numbers["epoch"],
        loss=numbers["loss"],
        loss_spread=numbers["loss_spread"],
        accuracy=numbers["validation_accuracy"],
    )


def epochs_to(curves: Curves, target: float, limits: Array | None = None) -> Array:
    """First evaluated epoch with at least `target` validation accuracy, per trial; else infinite.

    `limits`: epochs after which a trial's evaluations do not count.
    """
    hit = (curves.accuracy >= target) & _within(curves, limits)
    return _reduce(np.minimum, np.where(hit, curves.epoch, np.inf), curves)


def steps_to(curves: Curves, reached: Array) -> Array:
    """Epochs between the evaluation that saw a target first and the one before; 0 for a miss.

    `reached`: what `epochs_to` says. Before the first evaluation stands the start of training.
    """
    before = np.append(0.0, curves.epoch[:-1])
    before[curves.starts] = 0.0
    at = curves.epoch == np.repeat(reached, curves.lengths)
    return _reduce(np.add, np.where(at, curves.epoch - before, 0.0), curves)


def confirmed_at(curves: Curves, target: float, limits: Array | None = None) -> Array:
    """First of two evaluations in a row with at least `target`, per trial; else infinite.

    A single one may be luck, the likelier the more evaluations there are and the noisier they are.
    """
    hit = (curves.accuracy >= target) & _within(curves, limits)
    again = np.append(hit[1:], False)
    # The last evaluation of a trial is not followed by the first of the next.
    again[curves.starts[1:] - 1] = False
    return _reduce(np.minimum, np.where(hit & again, curves.epoch, np.inf), curves)


def mean_crossings(curves: Curves, targets: Sequence[float], limits: Array | None = None) -> Array:
    """When the mean curve over a variant's trials crosses each target, as [trial, target].

    Interpolated between evaluations on the logarithm of the error; infinite: it does not.
    """
    crossings = np.full((len(curves.trials), len(targets)), np.inf)
    counts = _reduce(np.add, _within(curves, limits).astype(float), curves).astype(np.intp)
    variants = curves.trials.groupby(RUN, observed=True, sort=False).indices
    for trials in cast(dict[str, NDArray[np.intp]], variants).values():
        rows = trials[counts[trials] > 0]
        if len(rows):
            epochs, mean = _mean_curve(curves, curves.starts[rows], counts[rows])
            crossings[rows] = [_crossing(epochs, mean, target) for target in targets]
    return crossings


def _mean_curve(
    curves: Curves, starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Epochs and mean accuracies of trials with so many evaluations, all at the same epochs."""
    longest = int(counts.argmax())
    # A trial that ended early, having diverged, stays what it was.
    steps = np.minimum(np.arange(counts[longest]), counts[:, None] - 1)
    accuracies = curves.accuracy[starts[:, None] + steps]
    return curves.epoch[starts[longest] :][: counts[longest]], accuracies.mean(axis=0)


def _crossing(epochs: Array, accuracies: Array, target: float) -> float:
    hits = np.flatnonzero(accuracies >= target)
    if not len(hits) or hits[0] == 0:
        return float(epochs[0]) if len(hits) else np.inf
    # Errors fall about exponentially: a straight line on their logarithm.
    around = slice(hits[0] - 1, hits[0] + 1)
    # No error left has no logarithm.
    logs = np.log(np.maximum([*(1 - accuracies[around]), 1 - target], np.finfo(float).tiny))
    return float(np.interp(-logs[2], -logs[:2], epochs[around]))


def best_errors(curves: Curves, limits: Array | None = None) -> tuple[Array, Array]:
    """Smallest validation error per trial and the epoch at which it was first reached."""
    error = np.where(_within(curves, limits), 1 - curves.accuracy, np.inf)
    best = _reduce(np.minimum, error, curves)
    first = np.where(error == np.repeat(best, curves.lengths), curves.epoch, np.inf)
    return best, _reduce(np.minimum, first, curves)


def oscillation(curves: Curves, limits: Array | None = None) -> Array:
    """Geometric mean, per trial, of the standard deviation of step losses in the later half."""
    inside = _within(curves, limits)
    last = _reduce(np.maximum, np.where(inside, curves.epoch, 0.0), curves)
    # At first the loss falls, which is no oscillation.
    late = inside & (curves.epoch > np.repeat(last, curves.lengths) / 2)
    late &= np.isfinite(curves.loss_spread) & (curves.loss_spread > 0)
    logs = np.where(late, np.log(np.where(late, curves.loss_spread, 1.0)), 0.0)
    count = _reduce(np.add, late.astype(float), curves)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.exp(_reduce(np.add, logs, curves) / count)


def _within(curves: Curves, limits: Array | None) -> NDArray[np.bool_]:
    if limits is None:
        return np.ones(len(curves.epoch), bool)
    return curves.epoch <= np.repeat(limits, curves.lengths) * _ROUNDING


def _reduce(how: np.ufunc, values: Array, curves: Curves) -> Array:
    return how.reduceat(values, curves.starts) if len(curves.starts) else np.empty(0)


def epochs_times(variants: pd.DataFrame, request: AnalyzeRequest) -> dict[str, float]:
    """By how much this machine's run of each variant was longer than its studies say.

    Short epochs of the sample; 1 for a variant that this machine has not run.
    """
    longest: dict[str, float] = {}
    for study in request.studies:
        for variant in study.settings:
            longest[variant] = max(study.epochs, longest.get(variant, 0.0))
    own = variants[variants["machine"] == request.machine]
    run = dict(zip(own["variant"], own["epochs"], strict=True))
    return {variant: run.get(variant, epochs) / epochs for variant, epochs in longest.items()}


def outcomes(
    curves: Curves,
    trials: pd.DataFrame,
    targets: list[float],
    budgets: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row per trial, its evaluations after its variant's budget (in epochs) ignored.

    Columns: machine, device, variant, seed, status, budget, best_validation_error, best_epoch,
    oscillation, for every target epochs_to_{target} (the first evaluation that saw it; infinite:
    not reached), step_to_{target} (see `steps_to`), confirmed_{target} (`confirmed_at`) and
    mean_curve_{target} (`mean_crossings`), and the facts of trials.csv as they were
    then: what holds at the end of a run, or at a best that came later, is NaN (`gradient_norms`:
    no layers).
    """
    measured = _measured(curves, targets, _limits(curves.trials, budgets))
    measured = measured.merge(_mean_curves(curves, trials, targets, budgets), on=TRIAL, how="left")
    own_best = trials.rename(columns={"best_epoch": "best_of_run"})
    rows = own_best.merge(measured, on=TRIAL, how="left")
    limits = _limits(rows, budgets)
    rows = _cut(rows, limits)
    for target in targets:
        rows[column(target)] = rows[column(target)].fillna(np.inf)
        rows[step_column(target)] = rows[step_column(target)].fillna(0.0)
        rows[confirmed_column(target)] = rows[confirmed_column(target)].fillna(np.inf)
    whole = rows.assign(budget=np.minimum(rows["epochs"], limits))
    return _raced(
        whole.drop(columns=["epochs", "best_of_run", "last_epoch", "targets"]),
        rows["targets"],
        targets,
    )


def _mean_curves(
    curves: Curves, trials: pd.DataFrame, targets: list[float], budgets: Mapping[str, float] | None
) -> pd.DataFrame:
    """Of the trials that trained their whole budget, by trial."""
    whole = trials.loc[trials["targets"].isna(), TRIAL]
    keys = pd.MultiIndex.from_frame(whole)
    chosen = curves.of(pd.MultiIndex.from_frame(curves.trials[TRIAL]).isin(keys))
    limits = _limits(chosen.trials, budgets)
    crossings = mean_crossings(chosen, targets, limits)
    return chosen.trials.assign(
        **{mean_column(target): crossings[:, k] for k, target in enumerate(targets)}
    )


def _raced(rows: pd.DataFrame, asked: pd.Series, targets: list[float]) -> pd.DataFrame:
    """Trials that ended with the targets they were `asked` for tell nothing else: NaN."""
    raced = asked.notna()
    for target in targets:
        other = np.array([f"{target:g}" not in str(text).split(";") for text in asked], bool)
        for name in (column(target), confirmed_column(target)):
            rows[name] = rows[name].mask(raced & other)
    names = ["best_validation_error", "best_epoch", "oscillation"]
    return rows.assign(**{name: rows[name].mask(raced) for name in names})


def _limits(trials: pd.DataFrame, budgets: Mapping[str, float] | None) -> Array:
    if budgets is None:
        return np.full(len(trials), np.inf)
    return np.array([budgets[variant] for variant in trials["variant"]], float)


def _cut(rows: pd.DataFrame, limits: Array) -> pd.DataFrame:
    """Nothing that became of a run after its limit."""
    limit = limits * _ROUNDING
    longer, alive = rows["epochs"] > limit, rows["last_epoch"] > limit
    rows[AT_END] = rows[AT_END].mask(longer)
    later = rows["best_of_run"] > limit
    ended = rows["status"].isin(ENDED_EARLY)
    return rows.assign(
        gradient_norms=rows["gradient_norms"].mask(longer, "{}"),
        test_accuracy_at_best=rows["test_accuracy_at_best"].mask(later),
        status=rows["status"].mask(alive & ended, "done"),
        message=rows["message"].mask(alive & ended, ""),
    )


def study_outcomes(
    study: StudyForAnalysis,
    curves: Curves,
    trials: pd.DataFrame,
    targets: list[float],
    times: Mapping[str, float],
) -> pd.DataFrame:
    """The outcomes of a study, cut to its own epochs and its own number of seeds.

    A run may be longer because another study shares it, or `times` as long on the sample.
    """
    variants = list(study.settings)
    inside = trials[trials["variant"].isin(variants)]
    # A study's seeds are the first by number, whatever order they were trained in.
    rank = inside.groupby(RUN, observed=True)["seed"].rank(method="first")
    mine = curves.of(curves.trials["variant"].isin(variants).to_numpy(bool))
    budgets = {variant: study.epochs * times[variant] for variant in variants}
    own = inside[rank <= inside["variant"].map(study.trials)]
    return outcomes(mine, own, targets, budgets).assign(study=study.name)


def _measured(curves: Curves, targets: list[float], limits: Array) -> pd.DataFrame:
    last = _reduce(np.maximum, curves.epoch, curves)
    best, epoch = best_errors(curves, limits)
    reached = {target: epochs_to(curves, target, limits) for target in targets}
    return curves.trials.assign(
        last_epoch=last,
        best_validation_error=np.where(np.isfinite(best), best, np.nan),
        best_epoch=np.where(np.isfinite(epoch), epoch, np.nan),
        oscillation=oscillation(curves, limits),
        **{column(target): epochs for target, epochs in reached.items()},
        **{step_column(target): steps_to(curves, epochs) for target, epochs in reached.items()},
        **{confirmed_column(t): confirmed_at(curves, t, limits) for t in targets},
    )


def column(target: float) -> str:
    """Name of the column with the epochs to a target."""
    return f"epochs_to_{target:g}"


def confirmed_column(target: float) -> str:
    """Name of the column with the epochs to the first of two evaluations in a row at a target."""
    return f"confirmed_{target:g}"


def mean_column(target: float) -> str:
    """Name of the column with the epochs at which the variant's mean curve crosses a target."""
    return f"mean_curve_{target:g}"


def step_column(target: float) -> str:
    """Name of the column with the step between evaluations in which a target was crossed."""
    return f"step_to_{target:g}"
