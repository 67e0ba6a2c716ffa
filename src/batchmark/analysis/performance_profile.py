"""Performance profiles over optimizers, as AlgoPerf scores them (Dahl et al. 2023, section 4.4)."""

import numpy as np
import pandas as pd

from batchmark.analysis.block import Block
from batchmark.analysis.families import labels
from batchmark.analysis.sensitivity import time_to


def performance_profile(block: Block) -> pd.DataFrame:
    """Share of batch sizes at which a solver takes at most tau times the fastest solver's time.

    Solvers are the settings apart from the batch size; each batch size that at least one solver
    mastered is a workload; a miss is infinitely slow. What was not measured is no miss: only the
    solvers measured at most batch sizes take part, at the sizes that all of them were measured at.
    Only for studies with an optimizer axis.
    """
    seconds = _seconds(block) if "optimizer" in block.study.axes else pd.DataFrame()
    solved = seconds[seconds.replace(np.inf, np.nan).dropna(axis=1, how="all").columns]
    if not solved.size:
        return pd.DataFrame()
    ratios = solved.to_numpy(float) / solved.to_numpy(float).min(axis=0)
    taus = np.unique(ratios[np.isfinite(ratios)])
    shares = (ratios[:, :, None] <= taus).mean(axis=1)
    return pd.DataFrame(
        {
            **block.place(),
            "target": block.target,
            "solver": np.repeat(solved.index.to_numpy(), len(taus)),
            "tau": np.tile(taus, len(solved)),
            "share": shares.ravel(),
            "workloads": ratios.shape[1],
        }
    )


def _seconds(block: Block) -> pd.DataFrame:
    """Time to target by solver and batch size, of the solvers and sizes that can be compared."""
    epochs, seconds = time_to(block)
    table = pd.DataFrame(
        {
            "solver": [" | ".join(labels(block.study.settings[variant])) for variant in block.ids],
            "workload": block.variants["batch_size"],
            "seconds": np.where(np.isinf(epochs.estimate), np.inf, seconds.estimate),
        }
    )
    wide = table.pivot_table(index="solver", columns="workload", values="seconds", aggfunc="min")
    measured = wide.notna().sum(axis=1)
    return wide[measured == measured.max()].dropna(axis=1)
