"""Performance profiles over optimizers, as AlgoPerf scores them (Dahl et al. 2023, section 4.4)."""

import numpy as np
import pandas as pd

from batchmark.analysis.block import Block
from batchmark.analysis.families import labels
from batchmark.analysis.sensitivity import time_to

COLUMNS = ["machine", "device", "study", "target", "solver", "tau", "share", "workloads"]


def performance_profile(block: Block) -> pd.DataFrame:
    """Share of batch sizes at which a solver takes at most tau times the fastest solver's time.

    Solvers are the settings apart from the batch size that were tried at every batch size of the
    study; each batch size that at least one of them mastered is a workload; a miss is infinitely
    slow. Only for studies with an optimizer axis.
    """
    if "optimizer" not in block.study.axes:
        return pd.DataFrame(columns=COLUMNS)
    wide = _seconds(block)
    times = wide.to_numpy(float)
    solved = times[:, np.isfinite(times).any(axis=0)]
    if not solved.size:
        return pd.DataFrame(columns=COLUMNS)
    ratios = solved / solved.min(axis=0)
    taus = np.unique(ratios[np.isfinite(ratios)])
    shares = (ratios[:, :, None] <= taus).mean(axis=1)
    return pd.DataFrame(
        {
            **block.place(),
            "target": block.target,
            "solver": np.repeat(wide.index.to_numpy(), len(taus)),
            "tau": np.tile(taus, len(wide)),
            "share": shares.ravel(),
            "workloads": ratios.shape[1],
        }
    )[COLUMNS]


def _seconds(block: Block) -> pd.DataFrame:
    """Seconds to target [solver, batch size], infinite for a miss; only solvers without a gap."""
    seconds = time_to(block)[1].estimate
    table = pd.DataFrame(
        {
            "solver": [" | ".join(labels(block.study.settings[variant])) for variant in block.ids],
            "workload": block.variants["batch_size"],
            "seconds": np.where(np.isnan(seconds), np.inf, seconds),
        }
    )
    wide = table.pivot_table(index="solver", columns="workload", values="seconds", aggfunc="min")
    return wide.dropna()
