"""Turn the tidy tables into statistics, verdicts and the answer."""

import argparse
from pathlib import Path

from batchmark.analysis.measurements import read_measurements
from batchmark.analysis.statistics import analyze
from batchmark.contract.frames import write_table
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.results.atomic import write_json
from batchmark.stages.asked import read_request
from batchmark.stages.command import run


def analyze_tables(request: AnalyzeRequest, folder: Path) -> None:
    """Read the tidy tables in `folder` and write the tables of statistics beside them."""
    tables, answer = analyze(read_measurements(folder, request))
    for name, frame in tables.items():
        write_table(folder, name, frame)
    write_json(folder / "answer.json", answer)


def main() -> None:
    """Parse the command line, read, analyze, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with an AnalyzeRequest")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    asked = parser.parse_args()
    analyze_tables(read_request(asked.request, AnalyzeRequest), asked.tables)


if __name__ == "__main__":
    run(main)
