"""Measure for a few seconds what training costs on this machine."""

import argparse
from pathlib import Path

from batchmark.contract.record import write_result
from batchmark.machine.locks import exclusive
from batchmark.stages.command import run
from batchmark.timing.calibration import calibrate


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the calibration to write")
    asked = parser.parse_args()
    with exclusive("calibrate"):
        write_result(asked.output, calibrate())


if __name__ == "__main__":
    run(main)
