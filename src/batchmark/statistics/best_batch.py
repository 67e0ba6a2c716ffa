"""Which batch size reaches the target in the least time, how sure that is, and the answer.

A size is tied with the best by Gupta's subset selection (1965): the truly fastest is among the tied
in at least 95 % of experiments, however flat the optimum. What a size costs is its time over that
of the truly fastest, whichever of the tied it is: over the one that only looks fastest, or one
chosen on the other seeds, intervals cover too rarely (`benchmarks/analysis.py` measures it).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis
from batchmark.contract.tables import COMMON_SIZES
from batchmark.statistics.comparisons import Mask, seconds_per_epoch, sensitivity, time_to
from batchmark.statistics.intervals import LEVEL, Array, Interval
from batchmark.statistics.log_times import LogTimes, log_times
from batchmark.statistics.study_data import StudyData, families, labelled

ONE_SIDE = (1 + LEVEL) / 2
# A difference of the size called detectable is found in so many experiments.
# By convention (Cohen 1988).
POWER = 0.8


@dataclass(frozen=True)
class BestBatch:
    """The best of a family. Arrays have one entry per member, by rising batch size.

    `seconds`: median time to target (infinite: not reached). `cost`: that time over the truly
    fastest's, with bounds; infinite ones where trials missed the target, so that it is at least
    that. `tied`: not distinguishable from the best. `fastest`: the probability of being it; NaN:
    not known. `detectable`: the ratio of times that these data tell from 1 in 80 % of experiments.
    """

    sizes: NDArray[np.int64]
    best: int
    seconds: Array
    cost: Interval
    tied: Mask
    fastest: Array
    detectable: float

    @property
    def low(self) -> int:
        """The smallest size not told apart from the best."""
        return int(self.sizes[self.tied].min())

    @property
    def high(self) -> int:
        """The largest such size."""
        return int(self.sizes[self.tied].max())


def best_batch(
    data: StudyData, members: NDArray[np.intp], target: float | None = None
) -> BestBatch | None:
    """The fastest member of a family; None when none is both timed and reached the target."""
    seconds = time_to(data, target, members)[1].estimate
    seconds = np.where(np.isnan(seconds), np.inf, seconds)
    candidates = np.isfinite(seconds)
    if not candidates.any():
        return None
    times = log_times(data, members, data.target if target is None else target)
    sound = candidates & ~times.missed
    reach = _reach(times, sound, LEVEL)
    tied = candidates & ~_beaten(times, sound, reach, data.noise_floor)
    fastest = _fastest(times, candidates)
    return BestBatch(
        sizes=data.variants["batch_size"].to_numpy(np.int64)[members],
        best=int(np.where(candidates, times.estimate, np.inf).argmin()),
        seconds=seconds,
        cost=_cost(times, tied, fastest),
        tied=tied,
        fastest=fastest,
        detectable=_detectable(times, candidates, reach),
    )


def _beaten(times: LogTimes, sound: Mask, reach: Array, noise_floor: float) -> Mask:
    """Whether some `sound` member is surely faster, and by more than the clock's noise."""
    slower = times.estimate[:, None] - times.estimate
    least = reach[:, None] * times.error
    with np.errstate(invalid="ignore"):
        surely = (slower > least) & (slower > np.log1p(noise_floor))
    # A time that is an upper bound only may be the least of all.
    return (surely & sound).any(axis=1) & ~times.first


def _reach(times: LogTimes, rivals: Mask, level: float) -> Array:
    """How many standard errors a member looks slower than any rival by chance (Dunnett 1955)."""
    # Zero: against itself a member is not slower, and 0 / 0 is no draw.
    most = np.zeros(times.draws.shape)
    for rival in np.flatnonzero(rivals):
        with np.errstate(invalid="ignore", divide="ignore"):
            away = (times.draws - times.draws[:, [rival]]) / times.error[:, rival]
        most = np.fmax(most, away)
    return np.quantile(most, level, axis=0)


def _fastest(times: LogTimes, candidates: Mask) -> Array:
    """Probability of being the fastest, over draws of all times; 0 where it was not reached."""
    drawn = np.where(candidates, times.estimate + times.draws, np.inf)
    if np.isnan(drawn).any():
        return np.full(len(candidates), np.nan)
    return np.bincount(drawn.argmin(axis=1), minlength=len(candidates)) / len(drawn)


def _cost(times: LogTimes, tied: Mask, fastest: Array) -> Interval:
    """Time over the truly fastest's: the largest of the ratios to those that may be it."""
    slower, own = times.estimate[:, None] - times.estimate, np.eye(len(tied), dtype=bool)
    sound = tied & ~times.missed
    reach = _reach(times, sound, ONE_SIDE)[:, None]
    half = np.where(own, 0.0, stdtrit(times.freedom, ONE_SIDE) * times.error)
    low = np.where(sound | own, slower - np.where(own, 0.0, reach * times.error), -np.inf)
    low = np.where(times.first, 0.0, low.max(axis=1))
    high = np.where(tied | own, slower + half, -np.inf).max(axis=1)
    high = np.where(times.missed | times.first[tied].any(), np.inf, high)
    # The best by chance looks faster than it is: the reference is what is expected to be fastest.
    weights = np.where(np.isnan(fastest), tied / tied.sum(), fastest)
    expected = (np.where(weights > 0, slower, 0.0) * weights).sum(axis=1)
    return Interval(np.clip(expected, np.fmax(low, 0.0), high), low, high).exp()


def _detectable(times: LogTimes, candidates: Mask, reach: Array) -> float:
    """From the median error of a difference between two candidates."""
    pairs = candidates[:, None] & candidates & ~np.eye(len(candidates), dtype=bool)
    if not pairs.any():
        return np.nan
    # Found in half of the experiments if it is as large as the reach; in 80 % if larger by this.
    errors = reach[candidates].max() + ndtri(POWER)
    return float(np.exp(errors * np.median(times.error[pairs])))


def best_batches(data: StudyData) -> pd.DataFrame:
    """One row per family of at least two sizes and target: its best size and those tied with it.

    Families of a study over learning-rate rules show the optimum under each rule. `holds`: the
    best size for the main target is not told apart from the best for this one. A target that no
    size reached has no row.
    """
    rows = [
        {**data.place(), "target": target, "family": label, "rule": rate_rule(data, members)}
        | {"learning_rate": rate_at(data, members, best), **_columns(best, main)}
        for label, members in families(data, 2)
        for main, target, best in _by_target(data, members)
    ]
    return pd.DataFrame(rows)


def _by_target(
    data: StudyData, members: NDArray[np.intp]
) -> Iterator[tuple[BestBatch | None, float, BestBatch]]:
    """The best for the main target, and each target with its best."""
    found = [(target, best_batch(data, members, target)) for target in data.targets]
    main = found[0][1]
    for target, best in found:
        if best is not None:
            yield main, target, best


def _columns(best: BestBatch, main: BestBatch | None) -> dict[str, Any]:
    return {
        "best_batch_size": best.sizes[best.best],
        "best_batch_size_low": best.low,
        "best_batch_size_high": best.high,
        "tied_batch_sizes": joined(best.sizes[best.tied]),
        "batch_sizes": joined(best.sizes),
        "p_fastest": joined(best.fastest),
        "detectable_ratio": best.detectable,
        "sizes": len(best.sizes),
        "on_border": best.best in (0, len(best.sizes) - 1),
        "seconds": best.seconds[best.best],
        "holds": None if main is None else bool(best.tied[main.best]),
    }


def joined(values: NDArray[Any]) -> str:
    """Values as a cell of a table holds several."""
    return ";".join(f"{value:.6g}" for value in values)


RATE_AXES = ("learning_rate", "learning_rate_rule", "reference_batch_size")
# Powers of the batch size that a rule's rates are in proportion to.
_EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}


def rate_rule(data: StudyData, members: NDArray[np.intp]) -> str:
    """How the learning rates of a family follow the batch size: a rule for rates, `tuned`, `own`.

    Read off the rates themselves, whether the study has an axis for the rule or not.
    """
    rows = data.variants.iloc[members]
    if rows["tuned"].astype(bool).all():
        return "tuned"
    rates, sizes = (rows[name].to_numpy(float) for name in ("learning_rate", "batch_size"))
    for rule, power in _EXPONENTS.items():
        scaled = rates / sizes**power
        if np.allclose(scaled, scaled[0], rtol=1e-4, atol=0):
            return rule
    return "own"


def rate_at(data: StudyData, members: NDArray[np.intp], best: BestBatch | None) -> float:
    """The learning rate at the best size, or the smallest where there is none."""
    return float(data.variants["learning_rate"].iloc[members[best.best if best else 0]])


def answer(studies: list[StudyData], request: AnalyzeRequest) -> dict[str, Any]:
    """The answer on this machine's fastest device; `others` holds those of all other places.

    `decided` is true when a single batch size is left. Empty numbers are null.
    """
    study = main_study(request)
    answers = [_answer(data) for data in studies if study and data.study.name == study.name]
    own = [facts for facts in answers if facts["machine"] == request.machine]
    own.sort(key=lambda facts: facts["seconds"] or np.inf)
    first = own[0] if own else {"machine": request.machine, "study": None, "decided": False}
    return {**first, "others": [facts for facts in answers if facts is not first]}


def main_study(request: AnalyzeRequest) -> StudyForAnalysis | None:
    """The study that redoes the published table, else the first over batch sizes."""
    over_sizes = [study for study in request.studies if "batch_size" in study.axes]
    return next((study for study in over_sizes if study.published), next(iter(over_sizes), None))


def _answer(data: StudyData) -> dict[str, Any]:
    facts = {
        **data.place(),
        "dataset": str(data.variants["dataset"].iloc[0]),
        "target": data.target,
        "trials": int(data.study.trials),  # at most
        "rounds": int(data.ratios.shape[1]),
        "noise_floor": number(data.noise_floor),
        "decided": False,
        "best_batch_size": None,
        "seconds": None,
    }
    candidates = [
        Candidate(label, _settings(data, label, members), members, best_batch(data, members))
        for label, members in families(data, 2)
    ]
    first = _first_of_the_fastest(data, candidates)
    if first is None or first.best is None:
        return facts
    row = int(first.members[first.best.best])
    alike = [
        candidate
        for candidate in candidates
        if candidate.but_for_the_rate == first.but_for_the_rate
    ]
    every = _least(data, alike)
    seconds = {size: least for size, least in every.items() if np.isfinite(least)}
    return (
        facts
        | {"family": first.label, "settings": first.settings}
        | _best_facts(data, row, first.best)
        | {"cost_of": costs(first.best, seconds)}
        | {"readings": other_readings(data, first.members)}
        | {
            "policy": _policy(data, first),
            "policies": [_policy(data, candidate) for candidate in alike],
        }
        | {"reached_at_any_rate": {str(size): size in seconds for size in every}}
    )


@dataclass(frozen=True)
class Candidate:
    """A family, the values of its axes, its rows, and its best size, None where none got there."""

    label: str
    settings: dict[str, str]
    members: NDArray[np.intp]
    best: BestBatch | None

    def fastest(self) -> float:
        """Seconds to the target at the best size."""
        return np.inf if self.best is None else float(self.best.seconds.min())

    @property
    def but_for_the_rate(self) -> dict[str, str]:
        """What families have in common of which only the learning rates differ."""
        return {axis: value for axis, value in self.settings.items() if axis not in RATE_AXES}


def _first_of_the_fastest(data: StudyData, candidates: list[Candidate]) -> Candidate | None:
    """The first family with a size that is not told apart from the fastest of all families.

    Luck does not decide between policies: the study lists first the one that it rests on.
    """
    reached = [candidate for candidate in candidates if candidate.best is not None]
    if len(reached) < 2:
        return next(iter(reached), None)
    # Where rules for the rate meet families share a variant.
    members = np.unique(np.concatenate([candidate.members for candidate in reached]))
    # All families as if they were one: whose best is tied with the best of all?
    every = best_batch(data, members)
    tied = members[every.tied] if every else members
    return next(candidate for candidate in reached if np.isin(candidate.members, tied).any())


def _settings(data: StudyData, label: str, members: NDArray[np.intp]) -> dict[str, str]:
    return labelled(data.study.settings[data.ids[members[0]]])[label]


def _least(data: StudyData, alike: list[Candidate]) -> dict[int, float]:
    """The least median time to the target by size, at whatever rate; infinite: at none."""
    least: dict[int, float] = {}
    for candidate in alike:
        sizes = data.variants["batch_size"].iloc[candidate.members].tolist()
        missed = np.full(len(sizes), np.inf)
        for size, seconds in zip(
            sizes, candidate.best.seconds if candidate.best else missed, strict=True
        ):
            least[size] = min(float(seconds), least.get(size, np.inf))
    return dict(sorted(least.items()))


def _policy(data: StudyData, candidate: Candidate) -> dict[str, Any]:
    """How the rates of a family were set, what that cost, and its best size.

    `learning_rate`: at the best size; `tuning_epochs`: trained to tune the rate of a size (the
    median over the sizes).
    """
    best, tuning = candidate.best, data.variants["tuning_epochs"].to_numpy(float)[candidate.members]
    return {
        "family": candidate.label,
        "settings": candidate.settings,
        "rule": rate_rule(data, candidate.members),
        "learning_rate": number(rate_at(data, candidate.members, best)),
        "tuning_epochs": None if np.isnan(tuning).all() else number(float(np.nanmedian(tuning))),
        "sizes": data.variants["batch_size"].iloc[candidate.members].tolist(),
        "best_batch_size": None if best is None else int(best.sizes[best.best]),
        "best_batch_size_low": None if best is None else best.low,
        "best_batch_size_high": None if best is None else best.high,
        "seconds": number(candidate.fastest()),
    }


def other_readings(data: StudyData, members: NDArray[np.intp]) -> dict[str, int | None]:
    """The fastest size of a family where a single lucky evaluation does not count, by reading."""
    table = sensitivity(data).query("target == @data.target").iloc[members]
    seconds = seconds_per_epoch(data, members).estimate
    fastest: dict[str, int | None] = {}
    for name in ("confirmed", "mean_curve"):
        times = table[f"epochs_{name}"].to_numpy(float) * seconds
        known = not np.isnan(times).all()
        fastest[name] = int(table["batch_size"].iloc[np.nanargmin(times)]) if known else None
    return fastest


def _best_facts(data: StudyData, row: int, best: BestBatch) -> dict[str, Any]:
    chosen = data.variants.iloc[row]
    seconds = time_to(data)[1]
    return {
        "trials": int((~np.isnan(data.epochs_to()[row])).sum()),
        "variant": chosen["variant"],
        "optimizer": chosen["optimizer"],
        "model": chosen["model"],
        "best_batch_size": int(best.sizes[best.best]),
        "best_batch_size_low": best.low,
        "best_batch_size_high": best.high,
        "tied_batch_sizes": best.sizes[best.tied].tolist(),
        "p_fastest": {
            str(size): number(share) for size, share in zip(best.sizes, best.fastest, strict=True)
        },
        "detectable_ratio": number(best.detectable),
        "decided": bool(best.low == best.high),
        "seconds": number(seconds.estimate[row]),
        "seconds_low": number(seconds.low[row]),
        "seconds_high": number(seconds.high[row]),
    }


def costs(best: BestBatch, least: Mapping[int, float] | None = None) -> dict[str, dict[str, Any]]:
    """What common sizes cost over the best, by size; without those that nothing measured tells.

    `least`: seconds to the target by size, at whatever rate it was reached.
    """
    known = {str(size): _cost_facts(size, best, least or {}) for size in COMMON_SIZES}
    return {size: cost for size, cost in known.items() if cost is not None}


def _cost_facts(size: int, best: BestBatch, least: Mapping[int, float]) -> dict[str, Any] | None:
    """What the measured size nearest to `size` costs; ratio null: it misses the target.

    Where it got there at another rate only, that is what it costs, without bounds. None where the
    nearest is the best, but another size than the one asked for: that would call an unmeasured
    size free of cost. `at_least`: the ratio is a lower bound, and `high` null.
    """
    nearest = int(np.abs(np.log(best.sizes / size)).argmin())
    if nearest == best.best and best.sizes[nearest] != size:
        return None
    reached = np.isfinite(best.seconds[nearest])
    if not reached and int(best.sizes[nearest]) in least:
        return {
            "batch_size": int(best.sizes[nearest]),
            "reached": True,
            "ratio": number(least[int(best.sizes[nearest])] / best.seconds.min()),
            "low": None,
            "high": None,
            "at_least": False,
        }
    cost = Interval(*(float(part[nearest]) for part in best.cost))
    return {
        "batch_size": int(best.sizes[nearest]),
        "reached": bool(reached),
        "ratio": number(cost.estimate) if reached else None,
        "low": number(cost.low),
        "high": number(cost.high) if reached else None,
        "at_least": bool(reached and np.isposinf(cost.high)),
    }


def number(value: float) -> float | None:
    """A JSON number; null for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


PLACE = ["machine", "device"]
# What times to a target must share to be compared.
TASK = ["target", "model", "dataset_digest", "train_size"]
SETTING = ["variant", "study", "batch_size", "optimizer", "momentum", "nesterov", "learning_rate"]

Facts = dict[str, Any]


def best_known(
    answer: Facts, summary: pd.DataFrame, threads: pd.DataFrame
) -> dict[str, Any] | None:
    """What reaches the answer's target sooner than its best: `SETTING`, `threads`, `seconds`, `by`.

    By `threads`: any size of the answer's kind, where one session's intervals tell its epoch apart
    from that on the answer's threads. By `setting`: in any study, where the intervals of time to
    the target do not overlap. None where nothing does.
    """
    if not answer.get("variant"):
        return None
    at_home = (summary[PLACE] == [answer["machine"], answer["device"]]).all(axis=1)
    rows = summary[at_home & summary["time_to_target"].notna()]
    own = rows[rows["variant"] == answer["variant"]]
    if own.empty:
        return None
    best = own.iloc[0]
    rivals = [*_on_other_threads(rows, threads, best), *_in_other_studies(rows, best)]
    sooner = [rival for rival in rivals if rival["seconds"] < best["time_to_target"]]
    return min(sooner, key=lambda rival: rival["seconds"], default=None)


def _on_other_threads(
    rows: pd.DataFrame, threads: pd.DataFrame, best: pd.Series
) -> Iterator[Facts]:
    """The answer's kind of training where another number of threads makes epochs faster."""
    kind = [*TASK, "optimizer", "momentum", "nesterov", "normalization", "learning_rate"]
    same = (rows[kind] == best[kind].to_list()).all(axis=1)
    timed = threads[(threads[PLACE] == best[PLACE].to_list()).all(axis=1)]
    timed = timed.assign(variant=timed["variants"].fillna("").str.split(";")).explode("variant")
    pairs = timed.merge(timed, on=[*PLACE, "study", "variant"], suffixes=("", "_usual"))
    for _, row in rows[same & rows["threads"].notna()].iterrows():
        usual = (pairs["variant"] == row["variant"]) & (pairs["threads_usual"] == row["threads"])
        for _, pair in pairs[usual & (pairs["ratio_high"] < pairs["ratio_low_usual"])].iterrows():
            gain = pair["ratio"] / pair["ratio_usual"]
            yield _rival(row, "threads", pair["threads"], row["time_to_target"] * gain)


def _in_other_studies(rows: pd.DataFrame, best: pd.Series) -> Iterator[Facts]:
    comparable = (rows[TASK] == best[TASK].to_list()).all(axis=1)
    apart = rows["time_to_target_high"] < best["time_to_target_low"]
    for _, row in rows[comparable & apart].iterrows():
        yield _rival(row, "setting", row["threads"], row["time_to_target"])


def _rival(row: pd.Series, by: str, threads: float, seconds: float) -> Facts:
    values = {name: row[name] for name in SETTING} | {"threads": threads, "seconds": seconds}
    return {"by": by} | {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """As JSON has it: numbers of at most six digits, nothing for what is not known."""
    if isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    number = float(f"{value:.6g}")
    return int(number) if number.is_integer() else number if np.isfinite(number) else None
