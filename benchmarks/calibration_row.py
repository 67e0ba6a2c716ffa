"""The rows of `calibration.csv` that finished studies make: python benchmarks/calibration_row.py
RESULTS, where RESULTS/tables is what `collect` and `analyze` wrote."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from batchmark.contract.tables import read_document, read_table
from batchmark.statistics.prediction import calibration


def rows(folder: Path) -> pd.DataFrame:
    """Of every prediction that has a measurement beside it."""
    made, places = read_table(folder, "predictions"), read_document(folder / "environment.json")
    made = made[made["best_batch_size"].notna()]
    kinds = [
        _kind(places[f"{a}/{b}"]) for a, b in zip(made["machine"], made["device"], strict=True)
    ]
    step = made["o"] / made["c"]
    table = made.assign(
        kind=kinds,
        step_over_example=step.round(2),
        predicted=(made["noise_scale"] * step).pow(0.5).round(1),
        noise_scale=made["noise_scale"].round(1),
        measured=made["best_batch_size"].astype(int),
        measured_low=made["best_batch_size_low"].astype(int),
        measured_high=made["best_batch_size_high"].astype(int),
    )
    return table[list(calibration().columns)]


def _kind(place: dict) -> str:
    return place["gpu"] or f"{place['processor']}, {place['cores']} cores"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    rows(parser.parse_args().results / "tables").to_csv(sys.stdout, index=False, header=False)
