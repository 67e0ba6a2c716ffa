"""Decide the claims on the tidy tables: apart, so that their rules redraw no figure."""

import argparse
from pathlib import Path

from batchmark.claims.verdicts import claims_table
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.tables import refuse_edited, write_table
from batchmark.stages.command import run
from batchmark.statistics.epoch_time import noise
from batchmark.statistics.study_data import main_study, published, read_measurements, studies


def judge_claims(request: AnalyzeRequest, folder: Path) -> None:
    """Read the tidy tables in `folder` and write the table of claims beside them."""
    measured = read_measurements(folder, request)
    every = list(studies(measured, noise(measured.timings, measured.times)))
    study = main_study(request)
    claims = claims_table(measured, every, study.name if study else None, published())
    write_table(folder, "claims", claims)


def main() -> None:
    """Parse the command line, read, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="file with an AnalyzeRequest")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    asked = parser.parse_args()
    refuse_edited(asked.tables)
    judge_claims(read_request(asked.request, AnalyzeRequest), asked.tables)


if __name__ == "__main__":
    run(main)
