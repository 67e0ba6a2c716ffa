"""What claims are decided on: the results of one device, and the rules that decide them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    bounded,
    decide,
    equal,
    inverted,
)
from batchmark.contract import hyperparameters
from batchmark.statistics.best_batch import RATE_AXES, rate_rule
from batchmark.statistics.comparisons import bounded_pairs, log_epoch_ratio
from batchmark.statistics.intervals import Array
from batchmark.statistics.study_data import StudyData, families, labelled

# As the tables call them: "rate" is the learning rate as configured, "tuned" if it was.
AXES = ["rate" if name == "learning_rate" else name for name in hyperparameters.AXES]
FAILED = ("not_learning", "diverged")
# Of the budget: what was best in its last quarter might have gone on falling.
SETTLED = 0.75

Choice = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass(frozen=True)
class Evidence:
    """Everything measured on one device of one machine.

    `main`: the study that answers which batch size, if any. `draws`, `magnitudes`: gradient
    probes. `published`: the published table.
    """

    studies: Sequence[StudyData]
    main: StudyData | None
    draws: pd.DataFrame
    magnitudes: pd.DataFrame
    published: pd.DataFrame
    largest_batch_size: int | None = None

    def study(self, name: str) -> StudyData | None:
        """The data of a study, by name."""
        return next((data for data in self.studies if data.study.name == name), None)


@dataclass(frozen=True)
class Pair:
    """Two variants of one study that differ in what is tested only."""

    data: StudyData
    treated: int
    control: int

    def speed_up(self) -> "pd.Series[float]":
        """log(control's epochs / treated's) by common seed; a miss counts as the budget."""
        control, treated = self._epochs()
        logs = log_epoch_ratio(control, treated, self.data.budget[self.control])
        return self._by_seed(logs)[~(np.isnan(control) | np.isnan(treated))]

    def least_variance(self) -> float:
        """What reading the epochs off a grid of evaluations adds to the speed-up's variance."""
        return float(self.data.grid_variance()[[self.control, self.treated]].sum())

    def bounds(self) -> tuple[bool, bool]:
        """Is the speed-up of some seed too low, and of some too high, being only a bound?"""
        both = [self.control, self.treated]
        found = bounded_pairs(np.isinf(self._epochs()), self.data.first_seen()[both], base=1)
        return bool(found.larger[0].any()), bool(found.smaller[0].any())

    def counting_variance(self, name: str) -> float:
        """Variance of a `change` of a share that comes from counting images on both sides."""
        return float(self.data.counting_variance(name)[[self.control, self.treated]].sum())

    @property
    def learned(self) -> bool:
        """Did no trial of either side diverge, fail or never learn?"""
        return not {self.data.ids[self.control], self.data.ids[self.treated]} & hopeless(self.data)

    @property
    def missed(self) -> int:
        """How many trials of both sides did not reach the target."""
        return int(np.isinf(self._epochs()).sum())

    def _epochs(self) -> Array:
        return self.data.epochs_to()[[self.control, self.treated]]

    def change(self, name: str) -> "pd.Series[float]":
        """Treated minus control of a column of the outcomes, per seed."""
        values = self.data.trials(name)
        return self._by_seed(values[self.treated] - values[self.control])

    def value(self, name: str, *, treated: bool = True) -> "pd.Series[float]":
        """A column of the outcomes of one side, per seed."""
        return self._by_seed(self.data.trials(name)[self.treated if treated else self.control])

    def _by_seed(self, values: Array) -> "pd.Series[float]":
        return pd.Series(values, index=self.data.seeds)

    def describe(self, name: str) -> Any:
        """A hyperparameter of the treated variant."""
        return self.data.variants[name].iloc[self.treated]


def hopeless(data: StudyData) -> set[str]:
    """Variants of which a trial diverged, failed or never learned."""
    return set(data.outcomes.loc[data.outcomes["status"].isin([*FAILED, "failed"]), "variant"])


def pairs(
    studies: Sequence[StudyData], treated: Choice, control: Choice, differing: Sequence[str]
) -> list[Pair]:
    """All pairs within a study that agree in every axis but `differing`; each only once."""
    by_ids: dict[tuple[str, str], Pair] = {}
    for data in studies:
        for pair in _pairs(data, treated, control, differing):
            ids = data.ids
            by_ids.setdefault((ids[pair.treated], ids[pair.control]), pair)
    return list(by_ids.values())


def _pairs(
    data: StudyData, treated: Choice, control: Choice, differing: Sequence[str]
) -> Iterator[Pair]:
    variants = with_rate(data.variants)
    same = [axis for axis in AXES if axis not in differing]
    rows, others = (
        np.flatnonzero(chosen(variants).to_numpy(bool)) for chosen in (treated, control)
    )
    if not (len(rows) and len(others)):
        return
    controls: dict[str, list[int]] = defaultdict(list)
    for key, other in zip(_keys(variants.iloc[others], same), others, strict=True):
        controls[key].append(int(other))
    for key, row in zip(_keys(variants.iloc[rows], same), rows, strict=True):
        yield from (Pair(data, int(row), other) for other in controls[key] if other != row)


def _keys(variants: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """One text per variant, equal when all the axes are."""
    rows = zip(*(variants[axis].tolist() for axis in axes), strict=True)
    return ["|".join("" if pd.isna(value) else str(value) for value in row) for row in rows]


def same_but(variants: pd.DataFrame, differing: Sequence[str]) -> list[list[int]]:
    """Groups of rows that agree in every axis but `differing`."""
    groups: dict[str, list[int]] = defaultdict(list)
    axes = [axis for axis in AXES if axis not in differing]
    for row, key in enumerate(_keys(with_rate(variants), axes)):
        groups[key].append(row)
    return list(groups.values())


def with_rate(variants: pd.DataFrame) -> pd.DataFrame:
    """Add `rate`: the learning rate as configured, `tuned` where the run chose it."""
    rate = variants["learning_rate"].astype("string").mask(variants["tuned"].astype(bool), "tuned")
    return variants.assign(rate=rate)


def by_seed(rows: Sequence["pd.Series[float]"]) -> pd.DataFrame:
    """[row, seed] over the seeds that all rows have; rows without any value are left out."""
    return pd.DataFrame([row for row in rows if row.notna().any()]).dropna(axis=1, how="any")


def matrix(rows: Sequence["pd.Series[float]"]) -> Array:
    """`by_seed` as an array."""
    table = by_seed(rows)
    return table.to_numpy(float) if len(table) else np.empty((0, 0))


def mean_counting_variance(name: str, of: Sequence[Pair]) -> float:
    """Variance, from counting images, of the mean over pairs of their changes of a share."""
    return sum(pair.counting_variance(name) for pair in of) / len(of) ** 2


class SpeedUps(NamedTuple):
    """log speed-ups [pair, seed] of pairs of which every seed reached the target on some side.

    `least_variance`: of each pair. `too_low`: some control missed, or some treated trial was there
    at the first evaluation, so that the pair's true speed-up is larger; `too_high`: the opposite.
    """

    logs: Array
    least_variance: Array
    too_low: NDArray[np.bool_]
    too_high: NDArray[np.bool_]

    def decide(self, margin: float, parts: int = 1) -> Decision:
        """Is the geometric mean over pairs larger than `margin`?"""
        pairs = len(self.logs)
        decision = decide(
            self.logs.mean(axis=0),
            np.log(margin),
            # Of a mean over pairs that were each read off their own evaluations.
            least_variance=float(self.least_variance.sum()) / pairs**2,
            show=as_ratio,
            parts=parts,
        )
        return bounded(
            decision, too_low=bool(self.too_low.any()), too_high=bool(self.too_high.any())
        )

    def equal(self, margin: float) -> Decision:
        """Is the geometric mean over pairs neither above `margin` nor below 1 / `margin`?"""
        return all_of(
            equal(
                self.logs.mean(axis=0),
                np.log(margin),
                shown=(as_ratio, inverted),
                least_variance=float(self.least_variance.sum()) / len(self.logs) ** 2,
                too_low=bool(self.too_low.any()),
                too_high=bool(self.too_high.any()),
            )
        )


def speed_ups(tested: Sequence[Pair]) -> SpeedUps:
    """The speed-ups of the informative pairs; `logs` is empty where there are none."""
    measured = [(pair, logs) for pair in tested if (logs := pair.speed_up()).notna().all()]
    bounds = np.array([pair.bounds() for pair, _ in measured], bool).reshape(-1, 2)
    return SpeedUps(
        matrix([logs for _, logs in measured]),
        np.array([pair.least_variance() for pair, _ in measured]),
        bounds[:, 0],
        bounds[:, 1],
    )


@dataclass(frozen=True)
class Family:
    """Variants of a study that differ in batch size only, by rising size."""

    data: StudyData
    label: str
    rows: NDArray[np.intp]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Batch sizes."""
        return self.data.variants["batch_size"].to_numpy(np.int64)[self.rows]

    def trials(self, name: str) -> Array:
        """A column of the outcomes as [size, seed]."""
        return self.data.trials(name)[self.rows]

    @property
    def seeds(self) -> int:
        """The number of seeds of the size that has the most."""
        return int(self.asked.sum(axis=1).max())

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which trials there are [size, seed]: sizes may have different seeds."""
        return np.asarray(~np.isnan(self.data.epochs_to()[self.rows]))

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Which trials did not reach the target [size, seed]."""
        return np.isinf(self.data.epochs_to()[self.rows])

    @property
    def first_seen(self) -> NDArray[np.bool_]:
        """Trials that had reached the target at their first evaluation [size, seed]."""
        return self.data.first_seen()[self.rows]

    def epochs(self) -> Array:
        """Epochs to the target [size, seed]; a miss counts as the budget, which understates it.

        So does the first evaluation of all where it saw the target, which overstates it.
        """
        return np.minimum(self.data.epochs_to()[self.rows], self.data.budget[self.rows][:, None])

    def grid_variance(self) -> Array:
        """Variance of log epochs from reading them off the evaluations, per size."""
        return self.data.grid_variance()[self.rows]

    def counting_variance(self, name: str) -> float:
        """Variance of a difference between two sizes in a share, from counting images."""
        return 2 * float(self.data.counting_variance(name)[self.rows].max())

    @property
    def ran(self) -> NDArray[np.bool_]:
        """Sizes of which there is any trial."""
        return np.asarray(self.asked.any(axis=1))

    @property
    def learns(self) -> NDArray[np.bool_]:
        """Sizes of which no trial diverged or never learned."""
        bad = hopeless(self.data)
        return np.array([self.data.ids[row] not in bad for row in self.rows])

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Trials whose best validation error came before the budget's last quarter [size, seed].

        And those that were not asked for it, having ended with the target.
        """
        early = self.trials("best_epoch") <= SETTLED * self.data.budget[self.rows][:, None]
        return early | np.isnan(self.trials("best_validation_error"))

    @property
    def relative_seconds(self) -> Array:
        """Median seconds per epoch over the baseline's, per size; NaN: not timed."""
        ratios = self.data.ratios[self.rows]
        timed = ~np.isnan(ratios).all(axis=1) if ratios.size else np.zeros(len(self.rows), bool)
        found = np.full(len(self.rows), np.nan)
        found[timed] = np.nanmedian(ratios[timed], axis=1)
        return found

    @property
    def rule(self) -> str:
        """How the learning rates follow the size: `fixed`, `sqrt`, `linear`, `tuned` or `own`."""
        return rate_rule(self.data, self.rows)

    @property
    def first_rate(self) -> float:
        """The learning rate of the smallest size, of a fixed one that of all."""
        return float(self.data.variants["learning_rate"].iloc[self.rows[0]])

    def only(self, chosen: NDArray[np.bool_]) -> "Family":
        """The family restricted to some sizes."""
        return Family(self.data, self.label, self.rows[chosen])


def families_of(data: StudyData | None, fewest: int = 3) -> list[Family]:
    """The families of a study; empty without its data."""
    if data is None:
        return []
    return [Family(data, label, rows) for label, rows in families(data, fewest)]


def main_family(evidence: Evidence, fewest: int = 3) -> Family | None:
    """The family of the main study with the most batch sizes."""
    found = families_of(evidence.main, fewest)
    return max(found, key=lambda family: len(family.rows)) if found else None


@dataclass(frozen=True)
class Finding:
    """A decision, and what the sentence of evidence says beside it, by field.

    Fields are numbers, texts, lists of them, or a `phrase`. Shares are shares, not percentages.
    `policy`: the rule for the learning rates that the decision is about, where it is about one.
    """

    decision: Decision
    fields: Mapping[str, object]
    policy: str = ""


Rule = Callable[[Evidence], Finding | None]

CLAIMS: dict[str, Rule] = {}


def claim(id: str) -> Callable[[Rule], Rule]:  # noqa: A002
    """Register the rule that decides a claim; it returns None when nothing measures it."""

    def register(rule: Rule) -> Rule:
        CLAIMS[id] = rule
        return rule

    return register


def policies(evidence: Evidence) -> list[Family]:
    """The main family, then those of other rates: the main study's, and what was tuned elsewhere.

    The others of the main study share everything but the learning rates with the main one.
    """
    main = main_family(evidence, 1)
    if main is None:
        return []
    wanted = _but_for_the_rate(main)
    alike = [f for f in families_of(evidence.main, 1) if _but_for_the_rate(f) == wanted]
    others = [family for family in alike if family.label != main.label]
    tuned = [f for f in families_of(evidence.study("learning_rate"), 3) if f.rule == "tuned"]
    # Tuned rates from elsewhere only where the main study has none.
    known = {family.rule for family in (main, *others)}
    return [main, *others, *(family for family in tuned if "tuned" not in known)]


def _but_for_the_rate(family: Family) -> dict[str, str]:
    axes = labelled(family.data.study.settings[family.data.ids[family.rows[0]]])[family.label]
    return {axis: value for axis, value in axes.items() if axis not in RATE_AXES}


def per_policy(rule: Callable[[Family], Finding | None]) -> Rule:
    """A rule about sizes, decided for the rates that suit them; the others' verdicts beside it.

    The field `policies` says under which policy the verdict holds and what comes of the others;
    it is empty where the studies have one policy only.
    """

    @wraps(rule)
    def decided(evidence: Evidence) -> Finding | None:
        every = [(family, rule(family)) for family in policies(evidence)]
        known = [(family, result) for family, result in every if result is not None]
        if not known:
            return None
        (family, first), *others = known
        said: object = "" if len(every) == 1 else phrase("one_policy", policy=_policy(family))
        if others:
            each = [_verdict(other, result.decision) for other, result in others]
            said = phrase("policies", policy=_policy(family), others=each)
        return Finding(first.decision, {**first.fields, "policies": said}, family.rule)

    return decided


def _policy(family: Family) -> dict[str, object]:
    return phrase(family.rule, rate=family.first_rate)


def _verdict(family: Family, decision: Decision) -> dict[str, object]:
    verdict = phrase(decision.verdict)
    numbers = {"effect": decision.effect, "low": decision.low, "high": decision.high}
    return phrase("policy", policy=_policy(family), verdict=verdict, **numbers)


def finding(decision: Decision, /, **fields: object) -> Finding:
    """A finding with the fields of its sentence."""
    return Finding(decision, fields)


def phrase(name: str, /, **fields: object) -> dict[str, object]:
    """A part of the sentence that the claim's words have under `name`, with its own fields."""
    return {"phrase": name, **fields}


def bounds(name: str, decision: Decision) -> dict[str, float]:
    """The effect of one part of a claim, with its interval, as the fields `name`, `name_low`, …"""
    return {name: decision.effect, f"{name}_low": decision.low, f"{name}_high": decision.high}
