"""What the gradient probes say: direction against the batch size, and the noise scale."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from batchmark.statistics.intervals import (
    DRAWS,
    Array,
    Interval,
    Mean,
    columns,
    mean_of,
    of_draws,
    student,
    within,
)

POINT = ["machine", "device", "variant", "moment"]
# Beyond a tenth of the data, draws without replacement are too alike to tell the noise.
LARGEST_SHARE = 0.1
# Between which a normal variate lies one standard deviation around its mean.
MIDDLE = (0.1587, 0.8413)


def probes(draws: pd.DataFrame) -> pd.DataFrame:
    """One row per variant, moment and batch size: means over draws (and seeds) with intervals.

    `cosine`: between mini-batch and full gradient. `successive_cosine`: between mini-batches
    drawn one after the other; near zero or below, steps zig-zag.
    """
    rows = [
        dict(zip([*POINT, "batch_size"], key, strict=True))
        | {"epoch": part["epoch"].iloc[0], "full_size": part["full_size"].iloc[0]}
        | columns("cosine", _mean(part["cosine"]))
        | columns("successive_cosine", _mean(part["successive_cosine"].dropna()))
        | {"squared_norm": part["squared_norm"].mean(), "draws": len(part)}
        for key, part in draws.groupby([*POINT, "batch_size"], sort=False, observed=True)
    ]
    return pd.DataFrame(rows)


def _mean(values: pd.Series) -> Interval:
    sample = values.to_numpy(float)
    return within(student(sample), -1, 1) if len(sample) else Interval(np.nan, np.nan, np.nan)


def noise_scales(draws: pd.DataFrame) -> pd.DataFrame:
    """One row per variant and moment: |G|^2, tr(Sigma) and B_simple with intervals."""
    found = [
        (key, _noise_scale(part)) for key, part in draws.groupby(POINT, sort=False, observed=True)
    ]
    rows = [dict(zip(POINT, key, strict=True)) | numbers for key, numbers in found if numbers]
    return pd.DataFrame(rows)


def estimate(small: Array, batch_size: int, full: Array, full_size: int) -> tuple[Array, Array]:
    """Unbiased |G|^2 and tr(Sigma) from squared gradient norms at two batch sizes.

    McCandlish et al. 2018, appendix A.1, with the whole training set as the large batch.
    `small`: means over draws.
    """
    squared = (full_size * full - batch_size * small) / (full_size - batch_size)
    trace = (small - full) / (1 / batch_size - 1 / full_size)
    return squared, trace


class Scale(NamedTuple):
    """|G|^2, tr(Sigma) and their ratio, the data's own first, then draws; usable sizes' counts."""

    signal: Array
    noise: Array
    ratio: Array
    sizes: dict[int, int]


def log_noise_scale(part: pd.DataFrame) -> Mean | None:
    """log B_simple of one network at one moment, its error from the draws.

    None without usable batch sizes, or where the estimate is not positive. The error is that which
    the middle two thirds of draws have: a signal near zero makes the others endless.
    """
    scale = _scale(part)
    if scale is None or not 0 < scale.ratio[0] < np.inf:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.log(np.where(scale.noise > 0, scale.ratio, 0.0)[1:])
    low, high = np.quantile(drawn, MIDDLE, method="inverted_cdf")
    error = (high - low) / 2 if np.isfinite(high - low) else np.inf
    # Of the size with the fewest draws: none has less.
    freedom = min(scale.sizes.values()) - 1
    return Mean(np.log(scale.ratio[0]), np.asarray(error**2), np.asarray(freedom))


Scales = dict[tuple[str, int], dict[str, Mean]]
"""log noise scale by network (variant and seed) and moment, in the order of training."""


def network_scales(draws: pd.DataFrame) -> Scales:
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


def after_start(moments: dict[str, Mean]) -> Mean | None:
    """The mean over the moments after the start; None without any."""
    later = [scale for moment, scale in moments.items() if moment != "initial"]
    return _over_moments(later) if later else None


def _over_moments(parts: Sequence[Mean]) -> Mean:
    """The mean of independent estimates."""
    count = len(parts)
    return Mean(
        np.mean([part.estimate for part in parts], axis=0),
        np.sum([part.squared_error for part in parts], axis=0) / count**2,
        np.min([part.freedom for part in parts], axis=0),
    )


def over_networks(parts: Sequence[Mean]) -> tuple[Mean, int]:
    """Mean and number of replicates: networks, or the draws of a single one."""
    if len(parts) == 1:
        return parts[0], int(parts[0].freedom) + 1
    return mean_of([float(part.estimate) for part in parts]), len(parts)


def trained_scale(draws: pd.DataFrame) -> Mean | None:
    """Log noise scale after the start, over all networks; None if none is known."""
    later = [scale for moments in network_scales(draws).values() if (scale := after_start(moments))]
    known = [scale for scale in later if np.isfinite(scale.squared_error)]
    return over_networks(known)[0] if known else None


def _noise_scale(part: pd.DataFrame) -> dict[str, Any]:
    scale = _scale(part)
    if scale is None:
        return {}
    return {
        "epoch": part["epoch"].iloc[0],
        **columns("gradient_squared", of_draws(scale.signal)),
        **columns("trace", of_draws(scale.noise)),
        **columns("noise_scale", of_draws(scale.ratio)),
        "batch_sizes": ";".join(map(str, scale.sizes)),
        "draws": sum(scale.sizes.values()),
    }


def _scale(part: pd.DataFrame) -> Scale | None:
    """Estimates of all usable sizes, weighted by their precision."""
    limit = part["full_size"].iloc[0] * LARGEST_SHARE
    usable = {
        int(str(size)): same
        for size, same in part[part["batch_size"] <= limit].groupby("batch_size")
        # Two draws have a variance that is itself hardly known.
        if len(same) > 2
    }
    if not usable:
        return None
    estimates = [_drawn(same, size) for size, same in usable.items()]
    squared, trace = (np.array(values) for values in zip(*estimates, strict=True))
    weights = np.array([_precision(same, size) for size, same in usable.items()])
    weights = (weights / weights.sum())[:, None]
    noise, signal = (weights * trace).sum(axis=0), (weights * squared).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A signal that these draws cannot tell from none bounds the scale from below only.
        ratio = np.where(signal > 0, noise / signal, np.inf)
    return Scale(signal, noise, ratio, {size: len(same) for size, same in usable.items()})


def _precision(same: pd.DataFrame, size: int) -> float:
    """How well draws of one size tell the noise: by their images, and its share in their norms.

    Their own variance would not do. Late in training few examples have most of the noise, and small
    batches that miss them all agree, on hardly any.
    """
    norm, signal = same["squared_norm"].mean(), same["full_squared_norm"].mean()
    share = max(1 - signal / norm, 0.0) if norm else 0.0
    return len(same) * size * share**2 + np.finfo(float).tiny


def _drawn(same: pd.DataFrame, size: int) -> tuple[Array, Array]:
    """Estimates from one batch size: the data's own first, then with Student's error of the mean.

    Resampling 30 draws instead covers at 92 % only.
    """
    norms = same["squared_norm"].to_numpy(float)
    full, full_size = same["full_squared_norm"].mean(), int(same["full_size"].iloc[0])
    t = np.random.default_rng(size).standard_t(len(norms) - 1, DRAWS)
    means = norms.mean() + norms.std(ddof=1) / np.sqrt(len(norms)) * np.append(0.0, t)
    return estimate(means, size, np.full(DRAWS + 1, full), full_size)
