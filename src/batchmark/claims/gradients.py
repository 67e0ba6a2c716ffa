"""Claims about the direction and size of gradients, decided on the gradient probes.

Draws from one network are not independent of each other: where several networks (seeds) were
probed, each is one replicate, with the mean over its draws; where one was, its draws are the
replicates and the verdict is about that network, which the sentence says.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from batchmark.claims.batch_size import log_critical_size
from batchmark.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    cross_fitted,
    decide,
    decide_mean,
    inverted,
    limited,
    negated,
)
from batchmark.claims.evidence import (
    Evidence,
    Finding,
    claim,
    finding,
    main_family,
    pairs,
    phrase,
)
from batchmark.statistics.intervals import Mean, degrees_of_freedom, mean_of
from batchmark.statistics.noise_scale import log_noise_scale

MOMENT = ["variant", "moment"]
MEDIAN, TOP = 0.5, 0.99
LARGEST_RATIO = 1e6
TURNED = limited(-1, 1, negated)
# The share of the data up to which a batch is one that larger ones could still improve on.
FEW = 0.2


def _moments(evidence: Evidence) -> list[pd.DataFrame]:
    """The draws of each probed variant at each moment of its training, with true labels only."""
    return [part for _, part in _clean(evidence).groupby(MOMENT, sort=False)]


def _clean(evidence: Evidence) -> pd.DataFrame:
    """The draws of variants that no label was made wrong for."""
    noisy = {
        variant
        for data in evidence.studies
        for variant, share in zip(data.ids, data.variants["label_noise"], strict=True)
        if share > 0
    }
    return evidence.draws[~evidence.draws["variant"].isin(noisy)]


def _replicates(part: pd.DataFrame, name: str = "cosine") -> "pd.Series[float]":
    """A column's mean per network, by seed; its values where there is one network only."""
    values = part.set_index("seed")[name].dropna()
    return values.groupby(level=0).mean() if values.index.nunique() > 1 else values


def _cosines(part: pd.DataFrame, size: int) -> "pd.Series[float]":
    return _replicates(part[part["batch_size"] == size])


def _networks(parts: Sequence[pd.DataFrame]) -> dict[str, object]:
    """What the sentences say about the replicates: networks, or draws of one network."""
    count = len(pd.concat([part[["variant", "seed"]] for part in parts]).drop_duplicates())
    return phrase("networks" if count > 1 else "network", count=count)


def _sizes(part: pd.DataFrame, largest_share: float = 1.0) -> list[int]:
    """Probed batch sizes up to a share of the training set, rising."""
    limit = part["full_size"].iloc[0] * largest_share
    return sorted(part.loc[part["batch_size"] <= limit, "batch_size"].unique().tolist())


@claim("full-batch-direction")
def full_batch_direction(evidence: Evidence) -> Finding | None:
    """Does the cosine gain more than 0.1 from the smallest to the largest probed batch?"""
    moments = [part for part in _moments(evidence) if len(_sizes(part)) > 1]
    if not moments:
        return None
    decisions = [_gain(part, *_ends(part), margin=0.1, parts=len(moments)) for part in moments]
    smallest, largest = _ends(moments[0])
    return finding(
        all_of(decisions),
        smallest=smallest,
        largest=largest,
        moments=len(moments),
        networks=_networks(moments),
    )


def _ends(part: pd.DataFrame) -> tuple[int, int]:
    sizes = _sizes(part)
    return sizes[0], sizes[-1]


def _gain(part: pd.DataFrame, small: int, large: int, margin: float, parts: int) -> Decision:
    """Is the cosine at `large` greater than at `small` by more than the margin?"""
    high, low = _cosines(part, large), _cosines(part, small)
    if part["seed"].nunique() > 1:
        gains = (high - low).dropna().to_numpy(float)
        return decide(gains, margin, parts=parts, show=limited(-2, 2))
    # Draws of one network at two sizes are independent of each other.
    difference, n = _difference(mean_of(high), mean_of(low)), len(high) + len(low)
    return decide_mean(difference, margin, n=n, parts=parts, show=limited(-2, 2))


def _difference(one: Mean, other: Mean) -> Mean:
    """one - other, Welch's degrees of freedom."""
    squared = one.squared_error, other.squared_error
    freedom = degrees_of_freedom(squared, (one.freedom, other.freedom))
    return Mean(one.estimate - other.estimate, np.add(*squared), freedom)


@claim("gradient-spread")
def gradient_spread(evidence: Evidence) -> Finding | None:
    """Is the 99 % quantile of |gradient| more than 10 times its median?"""
    if evidence.magnitudes.empty:
        return None
    table = evidence.magnitudes.assign(share=pd.to_numeric(evidence.magnitudes["quantile"]))
    wide = table.pivot_table(index=[*MOMENT, "seed"], columns="share", values="magnitude")
    if not {MEDIAN, TOP} <= set(wide.columns):
        return None
    middle = np.maximum(wide[MEDIAN], wide[TOP] / LARGEST_RATIO)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(wide[TOP] / middle)
    logs = logs[np.isfinite(logs)]
    networks = logs.groupby(level=["variant", "seed"]).mean()
    return finding(
        decide(networks if len(networks) > 1 else logs, np.log(10.0), show=as_ratio),
        probes=len(logs),
        networks=_networks([logs.index.to_frame(index=False)]),
    )


@claim("online-zigzag")
def online_zigzag(evidence: Evidence) -> Finding | None:
    """Do single examples turn (cosine below 0.2), and end more than a point worse?"""
    family = main_family(evidence, 2)
    single = [part[part["batch_size"] == 1] for part in _moments(evidence)]
    single = [part for part in single if len(part) > 2]
    if family is None or family.sizes[0] != 1 or not single:
        return None
    parts = len(single) + 1
    turns = [
        decide(-_replicates(part, "successive_cosine"), -0.2, show=TURNED, parts=parts)
        for part in single
    ]
    errors = family.trials("best_validation_error")
    errors = errors[:, ~np.isnan(errors).any(axis=0)]
    if not errors.size:
        return None
    worse = errors[0] + cross_fitted(-errors[1:])
    counted = family.counting_variance("best_validation_error")
    chosen = len(errors) > 2
    misses = decide(worse, 0.01, chosen=chosen, parts=parts, least_variance=counted)
    cosine = max(turn.effect for turn in turns)
    return finding(
        all_of([*turns, misses]),
        cosine=cosine,
        excess=misses.effect,
        seeds=misses.n,
        networks=_networks(single),
    )


@claim("half-data-gradient")
def half_data_gradient(evidence: Evidence) -> Finding | None:
    """Is the cosine at no more than half of the data above 0.9, at every moment?"""
    moments = [part for part in _moments(evidence) if _sizes(part, 0.5)]
    if not moments:
        return None
    sizes = [_sizes(part, 0.5)[-1] for part in moments]
    decisions = [
        decide(_cosines(part, size), 0.9, parts=len(moments), show=limited(-1, 1))
        for part, size in zip(moments, sizes, strict=True)
    ]
    share = max(sizes) / moments[0]["full_size"].iloc[0]
    return finding(
        all_of(decisions),
        size=max(sizes),
        share=share,
        moments=len(moments),
        networks=_networks(moments),
    )


@claim("direction-saturates")
def direction_saturates(evidence: Evidence) -> Finding | None:
    """Has a fifth of the data less than 0.1 of cosine left to gain, at every moment?"""
    moments = [part for part in _moments(evidence) if _sizes(part, FEW)]
    if not moments:
        return None
    sizes = [_sizes(part, FEW)[-1] for part in moments]
    decisions = [
        decide(_cosines(part, size) - 1, -0.1, parts=len(moments), show=limited(0, 2, negated))
        for part, size in zip(moments, sizes, strict=True)
    ]
    share = max(sizes) / moments[0]["full_size"].iloc[0]
    return finding(
        all_of(decisions),
        size=max(sizes),
        share=share,
        moments=len(moments),
        networks=_networks(moments),
    )


Scales = dict[tuple[str, int], dict[str, Mean]]
"""log noise scale by network (variant and seed) and moment, in the order of training."""


def _scales(draws: pd.DataFrame) -> Scales:
    """Of the networks and moments that have one."""
    if draws.empty:
        return {}
    ordered = draws.sort_values("epoch", kind="stable")
    known: Scales = {}
    for (variant, seed, moment), part in ordered.groupby(["variant", "seed", "moment"], sort=False):
        scale = log_noise_scale(part)
        if scale is not None:
            known.setdefault((str(variant), int(str(seed))), {})[str(moment)] = scale
    return known


def _trained(moments: dict[str, Mean]) -> Mean | None:
    """The mean over the moments after the start; None without any."""
    later = [scale for moment, scale in moments.items() if moment != "initial"]
    return _mean(later) if later else None


def _mean(parts: Sequence[Mean]) -> Mean:
    """The mean of independent estimates."""
    count = len(parts)
    return Mean(
        np.mean([part.estimate for part in parts], axis=0),
        np.sum([part.squared_error for part in parts], axis=0) / count**2,
        np.min([part.freedom for part in parts], axis=0),
    )


def _over_networks(parts: Sequence[Mean]) -> tuple[Mean, int]:
    """Mean and number of replicates: networks, or the draws of a single one."""
    if len(parts) == 1:
        return parts[0], int(parts[0].freedom) + 1
    return mean_of([float(part.estimate) for part in parts]), len(parts)


def _named(parts: Sequence[Mean]) -> dict[str, object]:
    return phrase("networks" if len(parts) > 1 else "network", count=len(parts))


@claim("noise-scale-grows")
def noise_scale_grows(evidence: Evidence) -> Finding | None:
    """Is the noise scale at the last probed moment over 3 times that at the first?"""
    growths = []
    for moments in _scales(_clean(evidence)).values():
        first, *later = moments.values()
        if "initial" in moments and later:
            growths.append(_difference(later[-1], first))
    if not growths:
        return None
    growth, n = _over_networks(growths)
    return finding(
        decide_mean(growth, np.log(3.0), n=n, show=as_ratio),
        networks=_named(growths),
    )


@claim("noise-scale-predicts")
def noise_scale_predicts(evidence: Evidence) -> Finding | None:
    """Are noise scale and critical batch size within a factor of 3 of each other?"""
    family = main_family(evidence)
    critical = log_critical_size(family) if family else None
    if family is None or critical is None:
        return None
    draws = _clean(evidence)
    same = draws[draws["variant"].isin(family.data.ids)]
    scales = [scale for moments in _scales(same).values() if (scale := _trained(moments))]
    if not scales:
        return None
    scale, _ = _over_networks(scales)
    ratio, n = _difference(scale, critical), int(critical.freedom) + 1
    turned = ratio._replace(estimate=-ratio.estimate)
    return finding(
        all_of(
            [
                decide_mean(one, -np.log(3.0), n=n, show=show, parts=2)
                for one, show in ((ratio, as_ratio), (turned, inverted))
            ]
        ),
        scale=as_ratio(float(scale.estimate)),
        critical=as_ratio(float(critical.estimate)),
        networks=_named(scales),
    )


@claim("label-noise-batch")
def label_noise_batch(evidence: Evidence) -> Finding | None:
    """Do wrong labels make the noise scale after the start over 1.5 times as large?"""
    probed = pairs(
        evidence.studies,
        treated=lambda v: v["label_noise"] > 0,
        control=lambda v: v["label_noise"] == 0,
        differing=("label_noise",),
    )
    scales = _scales(evidence.draws)
    ratios, shares = [], set()
    for pair in probed:
        ids = pair.data.ids
        for seed in pair.data.seeds:
            with_noise, without = (
                _trained(scales.get((ids[row], seed), {})) for row in (pair.treated, pair.control)
            )
            if with_noise and without:
                ratios.append(_difference(with_noise, without))
                shares.add(float(pair.describe("label_noise")))
    if not ratios:
        return None
    ratio, n = _over_networks(ratios)
    return finding(
        decide_mean(ratio, np.log(1.5), n=n, show=as_ratio),
        shares=sorted(shares),
        networks=_named(ratios),
    )
