"""Results on disk that the plan no longer asks for."""

from pathlib import Path

from batchmark.contract.requests.collect import CollectRequest

KINDS = ("runs", "timings", "gradients")


def stale_files(request: CollectRequest, results: Path, scratch: Path) -> list[Path]:
    """This machine's result files and checkpoints of variants and studies outside the plan.

    Files of other machines are never stale: they were copied here on purpose.
    """
    wanted = {
        "runs": {variant.id for variant in request.variants},
        "timings": set(request.studies),
        "gradients": set(request.probed),
    }
    kept = [
        path
        for kind in KINDS
        for path in (results / request.machine).glob(f"*/{kind}/*.json")
        if path.stem not in wanted[kind]
    ]
    checkpoints = [path for path in scratch.glob("*/*") if path.stem not in wanted["runs"]]
    return sorted([*kept, *checkpoints])
