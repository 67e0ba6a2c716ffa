"""List results that the configuration no longer asks for; with --delete, remove them."""

import argparse
import shutil
from pathlib import Path

from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.stages.command import run

# Folders of results, below a machine's and a device's.
KINDS = ("runs", "timings", "gradients", "profiles")


def stale_files(request: CollectRequest, results: Path, scratch: Path) -> list[Path]:
    """This machine's result files and checkpoints of variants and studies outside the plan.

    Files of other machines are never stale: they were copied here on purpose.
    """
    wanted = {
        "runs": {variant.id for variant in request.variants},
        "timings": set(request.timed),
        "gradients": set(request.probed),
        "profiles": set(request.profiled),
    }
    kept = [
        path
        for kind in KINDS
        for path in (results / request.machine).glob(f"*/{kind}/*.json")
        if path.stem not in wanted[kind]
    ]
    # A folder a variant: `scratch/{device}/{variant}`.
    checkpoints = [path for path in scratch.glob("*/*") if path.stem not in wanted["runs"]]
    return sorted([*kept, *checkpoints])


def main() -> None:
    """Parse the command line, list, and delete if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with a CollectRequest")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result files")
    parser.add_argument("--scratch", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--delete", action="store_true", help="remove what is listed")
    asked = parser.parse_args()
    stale = stale_files(read_request(asked.request, CollectRequest), asked.results, asked.scratch)
    for path in stale:
        print(path)
        if asked.delete:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = "removed" if asked.delete else "found; remove them with `make clean-stale DELETE=1`"
    print(f"{len(stale)} stale files {done}.")


if __name__ == "__main__":
    run(main)
