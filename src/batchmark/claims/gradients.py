"""Claims about the direction and size of gradients, decided on the gradient probes.

Draws from one network are not independent of each other: where several networks (seeds) were
probed, each is one replicate, with the mean over its draws; where one was, its draws are the
replicates and the verdict is about that network, which the sentence says.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from batchmark.claims.batch_size import log_critical_size
from batchmark.claims.decision import (
    Decision,
    all_of,
    as_ratio,
    bounded,
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
    families_of,
    finding,
    main_family,
    pairs,
    phrase,
)
from batchmark.statistics.intervals import Mean, degrees_of_freedom, mean_of
from batchmark.statistics.log_times import LogTimes, log_times
from batchmark.statistics.noise_scale import after_start, network_scales, over_networks
from batchmark.statistics.prediction import ACCEPTABLE, nearest, predictions

MOMENT = ["variant", "moment"]
# Quantiles of |gradient| over the weights.
MEDIAN, TOP = 0.5, 0.99
# Of a network that hardly learns the median may be zero, and a ratio to it without end.
LARGEST_RATIO = 1e6
# The claim is about small cosines: they are turned round to be decided, and back to be shown.
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
    # Every moment's turn, and the error.
    parts = len(single) + 1
    turns = [
        decide(-_replicates(part, "successive_cosine"), -0.2, show=TURNED, parts=parts)
        for part in single
    ]
    errors = family.trials("best_validation_error")
    errors = errors[:, ~np.isnan(errors).any(axis=0)]
    if not errors.size:
        return None
    # Over the size that is best on the other seeds.
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
    return _at_share(evidence, 0.5, partial(decide, margin=0.9, show=limited(-1, 1)))


@claim("direction-saturates")
def direction_saturates(evidence: Evidence) -> Finding | None:
    """Has a fifth of the data less than 0.1 of cosine left to gain, at every moment?"""
    test = partial(decide, margin=-0.1, show=limited(0, 2, negated))
    return _at_share(evidence, FEW, lambda cosines, parts: test(cosines - 1, parts=parts))


def _at_share(evidence: Evidence, share: float, test: Callable[..., Decision]) -> Finding | None:
    """By `test` of the cosines at the largest probed batch up to a share of the data."""
    moments = [part for part in _moments(evidence) if _sizes(part, share)]
    if not moments:
        return None
    sizes = [_sizes(part, share)[-1] for part in moments]
    decisions = [
        test(_cosines(part, size), parts=len(moments))
        for part, size in zip(moments, sizes, strict=True)
    ]
    return finding(
        all_of(decisions),
        size=max(sizes),
        share=max(sizes) / moments[0]["full_size"].iloc[0],
        moments=len(moments),
        networks=_networks(moments),
    )


def _named(parts: Sequence[Mean]) -> dict[str, object]:
    return phrase("networks" if len(parts) > 1 else "network", count=len(parts))


def _estimates(parts: Sequence[Mean]) -> list[float]:
    """Of each network. Its draws tell of it alone, and noise scales of two differ manyfold."""
    return [float(part.estimate) for part in parts]


@claim("noise-scale-grows")
def noise_scale_grows(evidence: Evidence) -> Finding | None:
    """Is the noise scale at the last probed moment over 3 times that at the first?"""
    growths = []
    for moments in network_scales(_clean(evidence)).values():
        first, *later = moments.values()
        if "initial" in moments and later:
            growths.append(_difference(later[-1], first))
    if not growths:
        return None
    return finding(
        decide(_estimates(growths), np.log(3.0), show=as_ratio),
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
    scales = [scale for moments in network_scales(same).values() if (scale := after_start(moments))]
    if not scales:
        return None
    scale, _ = over_networks(scales)
    ratio, n = _difference(scale, critical), int(critical.freedom) + 1
    turned = ratio._replace(estimate=-ratio.estimate)
    return finding(
        all_of(
            [
                decide_mean(side, -np.log(3.0), n=n, show=show, parts=2)
                for side, show in ((ratio, as_ratio), (turned, inverted))
            ]
        ),
        scale=as_ratio(float(scale.estimate)),
        critical=as_ratio(float(critical.estimate)),
        networks=_named(scales),
    )


@claim("prediction-holds")
def prediction_holds(evidence: Evidence) -> Finding | None:
    """Does the size predicted by noise scale and clock cost at most 1.25 times any size tried?

    Of the sizes tried the one nearest to it counts.
    """
    table = predictions(evidence.main, evidence.draws) if evidence.main else pd.DataFrame()
    if evidence.main is None or table.empty:
        return None
    row = table.iloc[0]
    if pd.isna(row["best_batch_size"]):
        return None
    named = {family.label: family for family in families_of(evidence.main, 2)}
    family = named[row["family"]]
    family = family.only(~np.isnan(family.relative_seconds))
    times = log_times(family.data, family.rows, family.data.target)
    near = nearest(family.sizes.astype(float), float(row["predicted_batch_size"]))
    others = [rival for rival in range(len(family.rows)) if rival != near]
    names = ("predicted_batch_size", "predicted_batch_size_low", "predicted_batch_size_high")
    return Finding(
        all_of([_no_slower(times, near, rival, len(others)) for rival in others]),
        dict(zip(("predicted", "predicted_low", "predicted_high"), row[list(names)], strict=True))
        | {"tried": family.sizes[near], "fastest": int(row["best_batch_size"])},
        family.rule,
    )


def _no_slower(times: LogTimes, size: int, rival: int, parts: int) -> Decision:
    """Does one size take at most `ACCEPTABLE` times the time of another?"""
    faster = times.difference(rival, size)
    count = int(faster.freedom) + 1 if faster.freedom > 0 else 1
    return bounded(
        decide_mean(faster, -np.log(ACCEPTABLE), n=count, show=inverted, parts=parts),
        too_low=bool(times.missed[rival] or times.first[size]),
        too_high=bool(times.missed[size] or times.first[rival]),
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
    scales = network_scales(evidence.draws)
    ratios, shares = [], set()
    for pair in probed:
        ids = pair.data.ids
        for seed in pair.data.seeds:
            with_noise, without = (
                after_start(scales.get((ids[row], seed), {}))
                for row in (pair.treated, pair.control)
            )
            if with_noise and without:
                ratios.append(_difference(with_noise, without))
                shares.add(float(pair.describe("label_noise")))
    if not ratios:
        return None
    return finding(
        decide(_estimates(ratios), np.log(1.5), show=as_ratio),
        shares=sorted(shares),
        networks=_named(ratios),
    )
