"""What claims are decided on: the results of one device, and how to pick variants out of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchmark.analysis.block import Block
from batchmark.analysis.claims.decision import Bound, bound_of
from batchmark.analysis.comparisons import grid_variance, log_epoch_ratio
from batchmark.analysis.families import families

Array = NDArray[np.float64]

AXES = [
    *("model", "activation", "pooling", "dropout", "initializer", "initializer_scale"),
    *("normalization", "optimizer", "rate", "momentum", "nesterov", "weight_decay", "l1", "l2"),
    *("batch_size", "train_size", "model_arguments", "optimizer_arguments"),
]
FAILED = ("not_learning", "diverged")
SETTLED = 0.75
PUBLISHED = "lenet_theano"

Choice = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass(frozen=True)
class Evidence:
    """Everything measured on one device of one machine.

    `main`: the study that answers which batch size, if any. `draws`, `magnitudes`: gradient
    probes. `published`: the published table. `largest_batch_size`: the largest predicted to fit.
    """

    blocks: Sequence[Block]
    main: Block | None
    draws: pd.DataFrame
    magnitudes: pd.DataFrame
    published: pd.DataFrame
    largest_batch_size: int | None = None

    def study(self, name: str) -> Block | None:
        """The block of a study, by name."""
        return next((block for block in self.blocks if block.study.name == name), None)


@dataclass(frozen=True)
class Pair:
    """Two variants of one study that differ in what is tested only."""

    block: Block
    treated: int
    control: int

    def speed_up(self) -> tuple["pd.Series[float]", float]:
        """log(control's epochs / treated's) per seed, and its least variance."""
        epochs = self.block.epochs_to()[[self.control, self.treated]]
        logs = log_epoch_ratio(epochs[:1], epochs[1:], self.block.budget[[self.control]])[0]
        steps = self.block.resolution[[self.control, self.treated]]
        return self._by_seed(logs), float(grid_variance(epochs, steps).sum())

    def bound(self) -> Bound:
        """What misses make of it: a control's understates the speed-up, the other's overstates."""
        missed = np.isinf(self.block.epochs_to()[[self.control, self.treated]])
        control, treated = missed & ~missed.all(axis=0)
        return bound_of(lower=bool(control.any()), upper=bool(treated.any()))

    def change(self, name: str) -> "pd.Series[float]":
        """Treated minus control of a column of the outcomes, per seed."""
        values = self.block.trials(name)
        return self._by_seed(values[self.treated] - values[self.control])

    def value(self, name: str, *, treated: bool = True) -> "pd.Series[float]":
        """A column of the outcomes of one side, per seed."""
        return self._by_seed(self.block.trials(name)[self.treated if treated else self.control])

    def _by_seed(self, values: Array) -> "pd.Series[float]":
        return pd.Series(values, index=self.block.seeds)

    def describe(self, name: str) -> Any:
        """A hyperparameter of the treated variant."""
        return self.block.variants[name].iloc[self.treated]


def pairs(
    blocks: Sequence[Block], treated: Choice, control: Choice, differing: Sequence[str]
) -> list[Pair]:
    """All pairs within a study that agree in every axis but `differing`; each only once."""
    found: dict[tuple[str, str], Pair] = {}
    for block in blocks:
        for pair in _pairs(block, treated, control, differing):
            ids = block.ids
            found.setdefault((ids[pair.treated], ids[pair.control]), pair)
    return list(found.values())


def _pairs(
    block: Block, treated: Choice, control: Choice, differing: Sequence[str]
) -> Iterator[Pair]:
    variants = with_rate(block.variants)
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
        yield from (Pair(block, int(row), other) for other in controls[key] if other != row)


def _keys(variants: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """One text per variant, equal when all the axes are."""
    columns = [variants[axis].astype("string").fillna("").tolist() for axis in axes]
    return ["|".join(values) for values in zip(*columns, strict=True)]


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


def matrix(rows: Sequence["pd.Series[float]"]) -> Array:
    """[row, seed] over the seeds that all rows have; rows that lack a value are left out."""
    table = pd.DataFrame([row for row in rows if row.notna().any()])
    return table.dropna(axis=1, how="any").to_numpy(float) if len(table) else np.empty((0, 0))


class SpeedUps(NamedTuple):
    """log speed-ups [pair, seed], the least variance of each pair, and what misses make of them."""

    logs: Array
    least_variances: list[float]
    bound: Bound

    @property
    def least_variance_of_mean(self) -> float:
        """The least variance of the mean over pairs."""
        return sum(self.least_variances) / max(len(self.least_variances), 1) ** 2


def speed_ups(found: Sequence[Pair]) -> SpeedUps:
    """The speed-ups of all pairs of which, for every seed, at least one side reached the target."""
    measured = [(pair, *pair.speed_up()) for pair in found]
    informative = [one for one in measured if one[1].notna().all()]
    bounds = {pair.bound() for pair, _, _ in informative}
    return SpeedUps(
        matrix([logs for _, logs, _ in informative]),
        [least for _, _, least in informative],
        bound_of(lower=bool(bounds & {"lower", "both"}), upper=bool(bounds & {"upper", "both"})),
    )


@dataclass(frozen=True)
class Family:
    """Variants of a block that differ in batch size only, by rising size."""

    block: Block
    label: str
    rows: NDArray[np.intp]

    @property
    def network(self) -> str:
        """The model that all members train."""
        return str(self.block.variants["model"].iloc[self.rows[0]])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Batch sizes."""
        return self.block.variants["batch_size"].to_numpy(np.int64)[self.rows]

    def trials(self, name: str) -> Array:
        """A column of the outcomes as [size, seed]."""
        return self.block.trials(name)[self.rows]

    def epochs(self) -> Array:
        """Epochs to the target [size, seed]; a miss counts as the budget, which understates it."""
        return np.minimum(self.block.epochs_to()[self.rows], self.block.budget[self.rows][:, None])

    def grid_variance(self) -> Array:
        """Variance of log epochs from reading them off the evaluations, per size."""
        epochs = self.block.epochs_to()[self.rows]
        return grid_variance(epochs, self.block.resolution[self.rows])

    @property
    def learns(self) -> NDArray[np.bool_]:
        """Sizes of which no trial diverged or never learned."""
        failed = self.block.outcomes[self.block.outcomes["status"].isin([*FAILED, "failed"])]
        bad = set(failed["variant"])
        return np.array([self.block.ids[row] not in bad for row in self.rows])

    @property
    def relative_seconds(self) -> Array:
        """Median seconds per epoch over the anchor's, per size; NaN: not timed."""
        ratios = self.block.ratios[self.rows]
        timed = ~np.isnan(ratios).all(axis=1) if ratios.size else np.zeros(len(self.rows), bool)
        found = np.full(len(self.rows), np.nan)
        found[timed] = np.nanmedian(ratios[timed], axis=1)
        return found

    def only(self, chosen: NDArray[np.bool_]) -> "Family":
        """The family restricted to some sizes."""
        return Family(self.block, self.label, self.rows[chosen])


def settled(family: Family) -> NDArray[np.bool_]:
    """Sizes whose every trial found its best validation error before the last quarter."""
    limit = SETTLED * family.block.budget[family.rows][:, None]
    return np.asarray((family.trials("best_epoch") <= limit).all(axis=1))


def families_of(block: Block | None, fewest: int = 3) -> list[Family]:
    """The families of a block; empty without a block."""
    if block is None:
        return []
    return [Family(block, label, rows) for label, rows in families(block, fewest)]


def main_family(evidence: Evidence, fewest: int = 3) -> Family | None:
    """The family of the main study with the most batch sizes; the published network's in a tie."""
    found = families_of(evidence.main, fewest)
    return max(found, key=lambda one: (len(one.rows), one.network == PUBLISHED), default=None)
