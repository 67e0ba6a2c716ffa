"""Put another machine's results beside ours: everything is checked before anything is copied."""

import argparse
import filecmp
import shutil
import sys
from pathlib import Path

from batchmark.collecting.gather import find_incoming, refuse_crowd
from batchmark.contract.errors import UserError
from batchmark.contract.files import replacing
from batchmark.stages.command import run


def merge(source: Path, results: Path) -> list[Path]:
    """Copy the result files below `source` into `results`; returns what was new.

    A file that is there already with the same content is left alone. Raises UserError, having
    copied nothing, for a damaged or misplaced file or one that differs from ours.
    """
    files = find_incoming(source)
    # Those there count, too: a page shows all machines together.
    refuse_crowd({place.parts[0] for place in files} | {path.name for path in results.glob("*")})
    there = [place for place in files if (results / place).exists()]
    # One at a time: together they may be larger than memory.
    clashes = [
        results / place
        for place in there
        if not filecmp.cmp(source / place, results / place, shallow=False)
    ]
    if clashes:
        more = f" and {len(clashes) - 1} more" if len(clashes) > 1 else ""
        raise UserError(
            f"{clashes[0]}{more} exists already with other content: both machines go by that "
            "name. Run one of them under another `machine:`, or delete the file not wanted."
        )
    fresh = [place for place in files if place not in there]
    for place in fresh:
        with replacing(results / place) as scratch:
            shutil.copyfile(source / place, scratch)
    return [results / place for place in fresh]


def main() -> None:
    """Parse the command line, merge, say what was done."""
    parser = argparse.ArgumentParser(prog="merge", description=__doc__)
    parser.add_argument(
        "--from", type=Path, required=True, dest="source", help="the other machine's results folder"
    )
    parser.add_argument("--results", type=Path, required=True, help="our results folder")
    asked = parser.parse_args()
    fresh = merge(asked.source, asked.results)
    print(f"merge: {len(fresh)} new result files in {asked.results}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
