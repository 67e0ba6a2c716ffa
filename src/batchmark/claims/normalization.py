"""Claims about normalization before the activation."""

import json

import numpy as np
import pandas as pd

from batchmark.claims.decision import all_of, as_ratio, decide
from batchmark.claims.evidence import (
    Evidence,
    Finding,
    Pair,
    bounds,
    claim,
    finding,
    matrix,
    mean_counting_variance,
    pairs,
    same_but,
    speed_ups,
)
from batchmark.contract.hyperparameters import NORMALIZATIONS
from batchmark.statistics.study_data import StudyData

ERROR = "best_validation_error"
# Standardized input is normalization, but not before the activation.
KINDS = [kind for kind, row in NORMALIZATIONS.items() if row.layer]


def _against_none(evidence: Evidence) -> list[Pair]:
    return pairs(
        evidence.studies,
        treated=lambda v: v["normalization"].isin(KINDS),
        control=lambda v: v["normalization"] == "none",
        differing=("normalization",),
    )


@claim("norm-gradient-flow")
def norm_gradient_flow(evidence: Evidence) -> Finding | None:
    """Does normalization raise first over last gradient norm by more than 1.25?"""
    tested = _against_none(evidence)
    learned = [pair for pair in tested if pair.learned]
    logs = matrix([_flow(pair, pair.treated) - _flow(pair, pair.control) for pair in learned])
    if not logs.size:
        return None
    return finding(
        decide(logs.mean(axis=0), np.log(1.25), show=as_ratio),
        count=len(logs),
        all=len(tested),
    )


def _flow(pair: Pair, row: int) -> "pd.Series[float]":
    """log of the first over the last layer's gradient norm at the end of training, per seed."""
    outcomes = pair.data.outcomes
    mine = outcomes[outcomes["variant"] == pair.data.ids[row]]
    return pd.Series([_first_to_last(text) for text in mine["gradient_norms"]], index=mine["seed"])


def _first_to_last(text: str) -> float:
    norms = [norm for norm in json.loads(text).values() if norm is not None]
    # A layer without gradient has no ratio.
    if len(norms) < 2 or min(norms[0], norms[-1]) <= 0:
        return np.nan
    return float(np.log(norms[0] / norms[-1]))


@claim("norm-speed")
def norm_speed(evidence: Evidence) -> Finding | None:
    """Is it 1.1 times as fast at smaller rates, and a point better at the largest?"""
    tested = _against_none(evidence)
    rates = sorted({float(pair.describe("learning_rate")) for pair in tested})
    # The largest rate is one beside smaller ones.
    if len(rates) < 2:
        return None
    large = [pair for pair in tested if pair.describe("learning_rate") == rates[-1]]
    small = [pair for pair in tested if pair.describe("learning_rate") != rates[-1]]
    gains = speed_ups(small)
    errors = matrix([-pair.change(ERROR) for pair in large])
    if not (gains.logs.size and errors.size):
        return None
    faster = gains.decide(1.1, parts=2)
    counted = mean_counting_variance(ERROR, large)
    sturdier = decide(errors.mean(axis=0), 0.01, parts=2, least_variance=counted)
    return finding(
        all_of([faster, sturdier]),
        informative=len(gains.logs),
        count=len(small),
        rate=f"{rates[-1]:g}",
        **bounds("speed", faster),
        **bounds("error", sturdier),
    )


@claim("norm-initialization")
def norm_initialization(evidence: Evidence) -> Finding | None:
    """Does normalization narrow the error's range over scales by over 0.5 points?"""
    for data in evidence.studies:
        ranges = _ranges(data)
        kinds = [kind for kind in KINDS if kind in ranges]
        if "none" in ranges and kinds:
            narrower = matrix([ranges["none"] - ranges[kind] for kind in kinds])
            # Four errors are counted: two ends of each of two ranges.
            counted = 4 * float(data.counting_variance(ERROR).max())
            return finding(
                decide(narrower.mean(axis=0), 0.005, least_variance=counted),
                none=ranges["none"].mean(),
                kinds=kinds,
            )
    return None


def _ranges(data: StudyData) -> dict[str, "pd.Series[float]"]:
    """Range of the best validation error over initial scales, by normalization, per seed.

    Only settings that differ in nothing else and were tried at two scales or more for each kind.
    """
    variants = data.variants
    if variants["initializer_scale"].nunique() < 2:
        return {}
    errors = pd.DataFrame(data.trials(ERROR), columns=data.seeds)
    for rows in same_but(variants, ("normalization", "initializer_scale")):
        group = variants.iloc[rows]
        scales = group.groupby("normalization")["initializer_scale"].nunique()
        varied = scales[scales > 1].index
        if "none" in varied and len(varied) > 1:
            kinds = group["normalization"]
            return {kind: _range(errors.loc[kinds[kinds == kind].index]) for kind in varied}
    return {}


def _range(errors: pd.DataFrame) -> "pd.Series[float]":
    return errors.max() - errors.min()
