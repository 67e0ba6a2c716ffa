"""What the first screen says: the best batch size, its cost against common choices, the doubt."""

from typing import Any

import numpy as np

from batchmark.analysis.best_batch import BestBatch, best_batch
from batchmark.analysis.block import Block
from batchmark.analysis.families import families
from batchmark.analysis.sensitivity import time_to
from batchmark.contract.requests.analyze import AnalyzeRequest, StudyForAnalysis

COMMON_SIZES = (32, 128, 1000)


def answer(blocks: list[Block], request: AnalyzeRequest) -> dict[str, Any]:
    """The answer on this machine's fastest device; `others` holds those of all other places.

    `decided` is true when a single batch size is left. Empty numbers are null.
    """
    study = main_study(request)
    found = [_answer(block) for block in blocks if study and block.study.name == study.name]
    own = [one for one in found if one["machine"] == request.machine]
    own.sort(key=lambda one: one["seconds"] or np.inf)
    first = own[0] if own else {"machine": request.machine, "study": None, "decided": False}
    return {**first, "others": [one for one in found if one is not first]}


def main_study(request: AnalyzeRequest) -> StudyForAnalysis | None:
    """The study that redoes the published table, else the first over batch sizes."""
    over_sizes = [study for study in request.studies if "batch_size" in study.axes]
    return next((study for study in over_sizes if study.published), next(iter(over_sizes), None))


def _answer(block: Block) -> dict[str, Any]:
    facts = {
        **block.place(),
        "dataset": str(block.variants["dataset"].iloc[0]),
        "target": block.target,
        "trials": int(block.study.trials),
        "rounds": int(block.ratios.shape[1]),
        "noise_floor": number(block.noise_floor),
        "decided": False,
        "best_batch_size": None,
        "seconds": None,
    }
    candidates = [
        (found.seconds.min(), number, label, members, found)
        for number, (label, members) in enumerate(families(block, 2))
        if (found := best_batch(block, members)) is not None
    ]
    if not candidates:
        return facts
    _, _, label, members, found = min(candidates, key=lambda one: one[:2])
    row = int(members[found.best])
    return facts | {"family": label} | _best(block, row, found)


def _best(block: Block, row: int, found: BestBatch) -> dict[str, Any]:
    chosen = block.variants.iloc[row]
    seconds = time_to(block)[1]
    return {
        "variant": chosen["variant"],
        "optimizer": chosen["optimizer"],
        "model": chosen["model"],
        "best_batch_size": int(found.sizes[found.best]),
        "best_batch_size_low": found.low,
        "best_batch_size_high": found.high,
        "tied_batch_sizes": found.sizes[found.tied].tolist(),
        "decided": bool(found.low == found.high),
        "seconds": number(seconds.estimate[row]),
        "seconds_low": number(seconds.low[row]),
        "seconds_high": number(seconds.high[row]),
        "cost_of": costs(found),
    }


def costs(found: BestBatch) -> dict[str, dict[str, Any]]:
    """What common sizes cost over the best, by size; without those that nothing measured tells."""
    known = {str(size): _cost(size, found) for size in COMMON_SIZES}
    return {size: cost for size, cost in known.items() if cost is not None}


def _cost(size: int, found: BestBatch) -> dict[str, Any] | None:
    """What the measured size nearest to `size` costs; ratio null: it misses the target.

    None where the nearest is the best, but another size than the one asked for: that would call
    an unmeasured size free of cost.
    """
    nearest = int(np.abs(np.log(found.sizes / size)).argmin())
    if nearest == found.best and found.sizes[nearest] != size:
        return None
    reached = np.isfinite(found.seconds[nearest])
    known = nearest != found.best
    return {
        "batch_size": int(found.sizes[nearest]),
        "reached": bool(reached),
        "ratio": number(found.cost.estimate[nearest]) if reached else None,
        "low": number(found.cost.low[nearest]) if known else 1.0,
        "high": number(found.cost.high[nearest] if known else 1.0) if reached else None,
    }


def number(value: float) -> float | None:
    """A JSON number; null for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
