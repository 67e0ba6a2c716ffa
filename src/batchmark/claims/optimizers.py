"""Claims about momentum, Rprop, RMSprop and the adaptive optimizers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from batchmark.claims.decision import RESOLVABLE, Decision, all_of, cross_fitted, decide
from batchmark.claims.evidence import (
    Choice,
    Evidence,
    Finding,
    Pair,
    by_seed,
    claim,
    finding,
    mean_counting_variance,
    pairs,
    speed_ups,
)
from batchmark.contract.hyperparameters import default_rate
from batchmark.statistics.intervals import Array
from batchmark.statistics.study_data import StudyData

ADAPTIVE = ("adagrad", "adadelta", "rmsprop", "adam")
ERROR = "best_validation_error"
# Where a memory in steps is short in examples.
SMALL = 10


class Lowest(NamedTuple):
    """Best validation error per seed of the setting best on the other seeds, of `options` many.

    `counted`: variance from counting images.
    """

    errors: Array
    options: int
    counted: float


def _lowest(data: StudyData, optimizer: str, chosen: Choice) -> Lowest:
    """The lowest error of an optimizer; a setting without a value for some seed is no option."""
    variants = data.variants
    rows = ((variants["optimizer"] == optimizer) & chosen(variants)).to_numpy(bool)
    errors = data.trials(ERROR)
    # Seeds that were trained until the target only have no errors at any setting.
    errors = errors[rows][:, ~np.isnan(errors).all(axis=0)]
    errors = errors[~np.isnan(errors).any(axis=1)]
    counted = float(data.counting_variance(ERROR).max())
    return Lowest(-cross_fitted(-errors) if len(errors) else np.empty(0), len(errors), counted)


def _more(one: Lowest, other: Lowest, margin: float, parts: int = 1) -> Decision:
    """Does the error of `one` exceed that of `other` by more than the margin?"""
    chosen, counted = max(one.options, other.options) > 1, one.counted + other.counted
    # Each side is counted on the same number of images, apart.
    excess = one.errors - other.errors
    return decide(excess, margin, chosen=chosen, parts=parts, least_variance=counted)


def _full(variants: pd.DataFrame) -> "pd.Series[bool]":
    return variants["batch_size"] == variants["train_size"]


def _mini(variants: pd.DataFrame) -> "pd.Series[bool]":
    return variants["batch_size"] <= variants["train_size"] / 10


@claim("rprop-full-batch")
def rprop_full_batch(evidence: Evidence) -> Finding | None:
    """On the full batch, is Rprop's error at most 0.5 points above SGD's?"""
    data = evidence.study("rprop")
    if data is None:
        return None
    rprop, sgd = (_lowest(data, name, _full) for name in ("rprop", "sgd"))
    if not (rprop.options and sgd.options):
        return None
    return finding(
        _more(sgd, rprop, -0.005),
        rprop=rprop.errors.mean(),
    )


@claim("rprop-mini-batch")
def rprop_mini_batch(evidence: Evidence) -> Finding | None:
    """On mini-batches, is Rprop over a point above SGD, and RMSprop at most 0.5?"""
    data = evidence.study("rprop")
    if data is None:
        return None
    rprop, sgd, rmsprop = (_lowest(data, name, _mini) for name in ("rprop", "sgd", "rmsprop"))
    if not (rprop.options and sgd.options and rmsprop.options):
        return None
    fails, repairs = _more(rprop, sgd, 0.01, parts=2), _more(sgd, rmsprop, -0.005, parts=2)
    return finding(
        all_of([fails, repairs]),
        rprop=rprop.errors.mean(),
        sgd=sgd.errors.mean(),
        rmsprop=rmsprop.errors.mean(),
    )


@claim("optimizer-rates")
def optimizer_rates(evidence: Evidence) -> Finding | None:
    """Does plain SGD gain over 0.3 points more from tuning than adaptive optimizers do?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: v["tuned"].astype(bool),
        control=_at_default,
        differing=("rate",),
    )
    adapting = [pair for pair in tested if pair.describe("optimizer") in ADAPTIVE]
    plain = [pair for pair in tested if _is_plain_sgd(pair)]
    adaptive, sgd = _gain(adapting), _gain(plain)
    difference = (sgd.mean() - adaptive.mean()).dropna()
    if difference.empty:
        return None
    return finding(
        decide(
            difference.to_numpy(float),
            RESOLVABLE,
            least_variance=mean_counting_variance(ERROR, plain)
            + mean_counting_variance(ERROR, adapting),
        ),
        sgd=sgd.mean().mean(),
        sgd_pairs=len(sgd),
        others=adaptive.mean().mean(),
        other_pairs=len(adaptive),
    )


def _is_plain_sgd(pair: Pair) -> bool:
    return pair.describe("optimizer") == "sgd" and pair.describe("momentum") == 0


def _at_default(variants: pd.DataFrame) -> "pd.Series[bool]":
    """Trained at the rate that the optimizer's class has by itself."""
    default = variants["optimizer"].map(default_rate).astype(float)
    return (variants["learning_rate"] == default) & ~variants["tuned"].astype(bool)


def _gain(found: Sequence[Pair]) -> pd.DataFrame:
    return by_seed([-pair.change(ERROR) for pair in found])


COMMON_MOMENTUM = 0.9


@claim("momentum-speed")
def momentum_speed(evidence: Evidence) -> Finding | None:
    """Does momentum 0.9 reach the target more than 1.1 times as fast as none?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: v["momentum"] == COMMON_MOMENTUM,
        control=lambda v: v["momentum"] == 0,
        differing=("momentum", "nesterov"),
    )
    gains = speed_ups(tested)
    if not gains.logs.size:
        return None
    sizes = sorted({int(pair.describe("batch_size")) for pair in tested})
    return finding(
        gains.decide(1.1),
        informative=len(gains.logs),
        count=len(tested),
        sizes=sizes,
    )


MOST_EXAMPLES = 100


@claim("momentum-is-rate")
def momentum_is_rate(evidence: Evidence) -> Finding | None:
    """Up to batch size 100, is momentum m at rate r (1 - m) like none at r, within 15 %?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: (v["momentum"] > 0) & ~v["nesterov"].astype(bool)
        & (v["batch_size"] <= MOST_EXAMPLES),
        control=lambda v: v["momentum"] == 0,
        differing=("momentum", "rate"),
    )  # fmt: skip
    tested = [pair for pair in tested if _same_effective_rate(pair)]
    gains = speed_ups(tested)
    if not gains.logs.size:
        return None
    return finding(
        gains.equal(1.15),
        informative=len(gains.logs),
        count=len(tested),
        sizes=sorted({int(pair.describe("batch_size")) for pair in tested}),
    )


def _same_effective_rate(pair: Pair) -> bool:
    rates = pair.data.variants["learning_rate"]
    effective = rates.iloc[pair.treated] / (1 - pair.describe("momentum"))
    return bool(np.isclose(effective, rates.iloc[pair.control], rtol=0.01))


@claim("half-life-rule")
def half_life_rule(evidence: Evidence) -> Finding | None:
    """Up to batch size 10, is Adam with a memory in examples over 1.1 times as fast?"""
    tested = pairs(
        evidence.studies,
        treated=lambda v: (v["optimizer"] == "adam") & (v["beta_2_half_life"] > 0)
        & (v["batch_size"] <= SMALL),
        control=lambda v: v["beta_2_half_life"] == 0,
        differing=("beta_2_half_life",),
    )  # fmt: skip
    gains = speed_ups(tested)
    if not gains.logs.size:
        return None
    return finding(
        gains.decide(1.1),
        informative=len(gains.logs),
        count=len(tested),
        sizes=sorted({int(pair.describe("batch_size")) for pair in tested}),
    )
