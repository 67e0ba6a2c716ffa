"""Get a data set, verify it and write its arrays and their record: `data/{name}.npz`, `.json`."""

import argparse
import sys
from pathlib import Path

from batchmark.contract.record import write_result
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.contract.requests.message import read_request
from batchmark.dataset.acquire import acquire
from batchmark.dataset.arrays import save_arrays
from batchmark.stages.command import run


def main() -> None:
    """Parse the command line, get the data, write them; the record comes last."""
    parser = argparse.ArgumentParser(prog="download", description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with a DatasetRequest")
    parser.add_argument("--npz", type=Path, required=True, help="where the arrays go")
    parser.add_argument("--json", type=Path, required=True, help="where their record goes")
    arguments = parser.parse_args()
    acquired = acquire(read_request(arguments.request, DatasetRequest), _say)
    save_arrays(arguments.npz, acquired.arrays)
    write_result(arguments.json, acquired.record)
    facts = acquired.record.facts
    _say(f"{facts.name}: {facts.train:,} / {facts.validation:,} / {facts.test:,} images")


def _say(line: str) -> None:
    print(f"download: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
