"""Read all result files of the plan and write the tidy tables."""

import argparse
from pathlib import Path

import pandas as pd

from batchmark.collecting.tidy import EPOCHS_HEADER, Collection, collect
from batchmark.contract.files import replacing, write_json
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.tables import digests, write_table
from batchmark.stages.command import run


def write_collection(collection: Collection, folder: Path) -> None:
    """Write every tidy table into `folder`."""
    with replacing(folder / "epochs.csv") as scratch, scratch.open("wb") as file:
        file.write(EPOCHS_HEADER)
        file.writelines(collection.epochs)
    frames = collection.frames()
    results = frames.pop("results")
    for name, frame in frames.items():
        write_table(folder, name, frame)
    write_json(folder / "environment.json", collection.environment)
    # Last: what was edited by hand is told by the digests of all the others.
    write_table(folder, "results", pd.concat([results, pd.DataFrame(digests(folder))]))


def main() -> None:
    """Parse the command line, collect, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with a CollectRequest")
    parser.add_argument("--results", type=Path, required=True, help="folder of the result files")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables to write")
    parser.add_argument("--logs", type=Path, default=Path("logs"), help="folder of the logs")
    asked = parser.parse_args()
    request = read_request(asked.request, CollectRequest)
    collection = collect(request, asked.results, asked.logs, partial=False)
    write_collection(collection, asked.tables)


if __name__ == "__main__":
    run(main)
