"""Measure for a few seconds what training costs on this machine."""

import argparse
from pathlib import Path

from batchmark.measuring.calibration import calibrate
from batchmark.measuring.exclusive import exclusive
from batchmark.results.schema import write_result
from batchmark.stages.command import run


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the calibration to write")
    asked = parser.parse_args()
    with exclusive("calibrate"):
        write_result(asked.output, calibrate())


if __name__ == "__main__":
    run(main)
