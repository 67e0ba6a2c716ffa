"""The answer: the main study's fastest batch size, what it rests on, and what is faster yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.tables import COMMON_SIZES
from batchmark.statistics.best_batch import RATE_AXES, BestBatch, best_batch, rate_at, rate_rule
from batchmark.statistics.comparisons import seconds_per_epoch, sensitivity, time_to
from batchmark.statistics.intervals import Interval, number
from batchmark.statistics.study_data import StudyData, families, labelled, main_study


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


def _answer(data: StudyData) -> dict[str, Any]:
    facts = {
        **data.place(),
        "dataset": str(data.variants["dataset"].iloc[0]),
        "target": data.target,
        "trials": max(data.study.trials.values()),  # at most
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
    seconds = time_to(data, rows=candidate.members)[1]
    at_best = 0 if best is None else best.best
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
        "seconds_low": number(seconds.low[at_best]),
        "seconds_high": number(seconds.high[at_best]),
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
