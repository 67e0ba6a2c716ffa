"""Clock readings relative to the anchor's nearest: free of the machine's slow drift.

One reading of the anchor, not a mean of several: slow outliers raise a mean of two readings more
than they raise the median of one, so that even the anchor's twin would seem faster than the anchor.
Two single readings of the same thing are as often in this order as in the other.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROUND = ["machine", "device", "study", "round"]


def add_ratio_to_anchor(visits: pd.DataFrame) -> pd.DataFrame:
    """Add `ratio_to_anchor`: seconds per epoch over the anchor's nearest in time.

    The anchor's visits of the same round, those with the same number of threads where there are
    any. An anchor visit is compared with another one. NaN in a round without another.
    """
    moments = (visits["start_seconds"] + visits["seconds"] / 2).to_numpy(float)
    costs = visits["seconds_per_epoch"].to_numpy(float)
    threads = visits["threads"].to_numpy()
    anchors = (visits["role"] == "anchor").to_numpy(bool)
    ratios = np.empty(len(visits))
    for rows in visits.groupby(ROUND, sort=False).indices.values():
        ratios[rows] = costs[rows] / _anchor_costs(
            moments[rows], costs[rows], threads[rows], anchors[rows]
        )
    return visits.assign(ratio_to_anchor=ratios)


def _anchor_costs(moments: Vector, costs: Vector, threads: Vector, anchors: Mask) -> Vector:
    """The anchor's cost nearest to each moment of one round."""
    distances = np.abs(moments[:, None] - moments)
    for count in np.unique(threads):
        members = threads == count
        same = anchors & members
        distances[np.ix_(members, ~(same if same.any() else anchors))] = np.inf
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    return np.where(np.isfinite(distances.min(axis=1)), costs[nearest], np.nan)
