"""The rows of `calibration.csv` that finished studies make, and the table of the scores.

python -m benchmarks.calibration.rows FOLDER …, each with `results/tables` of `collect` and
`analyze`; without a folder the table of docs/how-it-measures.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from batchmark.contract.tables import read_document, read_table
from batchmark.statistics.prediction import SUBJECT, calibration, score


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
        model=made["model"].str.partition(":")[0],
        step_over_example=step.round(2),
        predicted=(made["noise_scale"] * step).pow(0.5).round(1),
        noise_scale=made["noise_scale"].round(1),
        measured=[_fastest(row) for row in made.to_dict("records")],
        measured_low=made["best_batch_size_low"].astype(int),
        measured_high=made["best_batch_size_high"].astype(int),
    )
    return table[list(calibration().columns)]


def _fastest(row: dict) -> int:
    """The size of the least time; where sizes are tied, the answer's may be another of them."""
    sizes, times = (
        np.array(row[name].split(";"), float) for name in ("batch_sizes", "relative_times")
    )
    return int(sizes[times.argmin()])


def _kind(place: dict) -> str:
    return place["gpu"] or f"{place['processor']}, {place['cores']} cores"


def scores() -> list[str]:
    """Lines of a Markdown table: every study of `calibration.csv`, predicted from the others."""
    table = score(calibration())
    head = "| study | predicted | measured | cost | within |"
    return [head, "|---|---|---|---|---|", *(_line(row) for row in table.to_dict("records"))]


def _line(row: dict) -> str:
    study = ", ".join(str(row[name]) for name in SUBJECT)
    predicted = f"{row['advised']:.0f} ({row['low']:.0f}–{row['high']:.0f})"
    held = "yes" if row["held"] else "no"
    return f"| {study} | {predicted} | {row['measured']} | {row['cost']:.2f} | {held} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    if folders := parser.parse_args().folders:
        every = pd.concat([rows(folder / "results" / "tables") for folder in folders])
        every.to_csv(sys.stdout, index=False, header=False)
    else:
        print(*scores(), sep="\n")
