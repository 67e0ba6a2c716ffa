"""Clock readings relative to the anchor visits around them: free of the machine's slow drift."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROUND = ["machine", "device", "study", "round"]


def add_ratio_to_anchor(visits: pd.DataFrame) -> pd.DataFrame:
    """Add `ratio_to_anchor`: seconds per epoch over the anchor's at that moment.

    The anchor's time is interpolated linearly between its visits of the same round, those with
    the same number of threads where there are any. An anchor visit is compared with its
    neighbours, not with itself. NaN in a round without another anchor visit.
    """
    ordered = visits.sort_values("start_seconds", kind="stable")
    moments = (ordered["start_seconds"] + ordered["seconds"] / 2).to_numpy(float)
    costs = ordered["seconds_per_epoch"].to_numpy(float)
    threads = ordered["threads"].to_numpy()
    anchors = (ordered["role"] == "anchor").to_numpy(bool)
    ratios = np.empty(len(ordered))
    for rows in ordered.groupby(ROUND, sort=False).indices.values():
        ratios[rows] = costs[rows] / _anchor_costs(
            moments[rows], costs[rows], threads[rows], anchors[rows]
        )
    return visits.assign(ratio_to_anchor=pd.Series(ratios, index=ordered.index))


def _anchor_costs(moments: Vector, costs: Vector, threads: Vector, anchors: Mask) -> Vector:
    """The anchor's cost at each moment of one round, in time order."""
    expected = np.empty(len(moments))
    for count in np.unique(threads):
        members = threads == count
        same = anchors & members
        known = same if same.any() else anchors
        expected[members] = _interpolate(moments[members], moments[known], costs[known])
        for position in np.flatnonzero(same):
            others = known & (np.arange(len(moments)) != position)
            expected[position] = _interpolate(moments[position], moments[others], costs[others])
    return expected


def _interpolate(at: Vector, moments: Vector, costs: Vector) -> Vector:
    return np.interp(at, moments, costs) if len(moments) else np.full(np.shape(at), np.nan)
