"""The rows of `calibration.csv` that finished studies make, and the table of the scores.

python -m benchmarks.calibration.rows FOLDER …, each with `results/tables` of `collect` and
`analyze`; without a folder the table of docs/how-it-measures.md and what stands below it. With
--renew the folders need no more than `results/*/*/gradients`, and the noise scales of the rows that
are there are written anew.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from batchmark.collecting.tidy import draw_rows
from batchmark.contract.gradients import GradientResult
from batchmark.contract.record import read_result
from batchmark.contract.tables import read_document, read_table
from batchmark.statistics import prediction
from batchmark.statistics.cost_model import EARLY, Course, critical_size, geometric
from batchmark.statistics.noise_scale import trained_scale
from batchmark.statistics.outcomes import Curves, epochs_to, read_curves
from batchmark.statistics.prediction import ACCEPTABLE, SUBJECT, calibration, nearest, others, score

# The race of a complete study is to the loss of this size early on its way, of so many seeds.
PROBED, SEEDS = 64, 2
# What a training that missed the target counts as, in times of the best.
MISS = 3.0


def rows(folder: Path) -> pd.DataFrame:
    """Of every prediction that has a measurement beside it."""
    made, places = read_table(folder, "predictions"), read_document(folder / "environment.json")
    made = made[made["best_batch_size"].notna()]
    variants, curves = read_table(folder, "variants"), read_curves(folder)
    kinds = [
        _kind(places[f"{a}/{b}"]) for a, b in zip(made["machine"], made["device"], strict=True)
    ]
    sizes = [raced(_family(variants, row), curves, row) for row in made.to_dict("records")]
    step = made["o"] / made["c"]
    table = made.assign(
        kind=kinds,
        model=made["model"].str.partition(":")[0],
        raced=pd.Series(sizes, made.index, float),
        step_over_example=step.round(2),
        predicted=(made["noise_scale"] * step).pow(0.5).round(1),
        noise_scale=made["noise_scale"].round(1),
        measured=made["best_batch_size"].astype(int),
        measured_low=made["best_batch_size_low"].astype(int),
        measured_high=made["best_batch_size_high"].astype(int),
    )
    return table[list(calibration().columns)]


def _family(variants: pd.DataFrame, row: dict) -> pd.DataFrame:
    """The variants whose rates are tuned, by batch size."""
    studied = variants["studies"].str.split(";").map(lambda names: row["study"] in names)
    return variants[studied & variants["tuned"].astype(bool)].sort_values("batch_size")


def raced(family: pd.DataFrame, curves: Curves, row: dict) -> float | None:
    """The critical size by early losses at three sizes, see `critical_size`.

    The level is what the probed size reaches at `EARLY` of its epochs to the target.
    """
    names = dict(zip(family["batch_size"], family["variant"], strict=True))
    sizes = sorted(names)
    own = {
        size: curves.of((curves.trials["variant"] == name).to_numpy(bool))
        for size, name in names.items()
    }
    early = EARLY * geometric(_needed(own[PROBED], row["target"]))
    level = geometric([each.falling().loss_at(early) for each in _courses(own[PROBED])])
    spread = (sizes[0], sizes[len(sizes) // 2], sizes[-1])
    critical = critical_size({size: _courses(own[size]) for size in spread}, level)
    return None if critical is None else round(critical, 1)


def _needed(curves: Curves, target: float) -> list[float]:
    """Epochs to the target, or of the whole training if it missed."""
    last = np.append(curves.starts[1:], len(curves.epoch)) - 1
    return np.fmin(epochs_to(curves, target), curves.epoch[last]).tolist()


def _courses(curves: Curves) -> list[Course]:
    """Of the first seeds."""
    ends = np.append(curves.starts[1:], len(curves.epoch))
    parts = [slice(*part) for part in zip(curves.starts, ends, strict=True)][:SEEDS]
    return [Course(curves.epoch[part], curves.loss[part]) for part in parts]


def _kind(place: dict) -> str:
    return place["gpu"] or f"{place['processor']}, {place['cores']} cores"


def renewed(table: pd.DataFrame, probes: Iterable[GradientResult]) -> pd.DataFrame:
    """The rows with the noise scales that these probes tell, and the sizes that follow from them.

    A probe is of all rows of its model, data set and optimizer.
    """
    table = table.copy()
    for probe in probes:
        chosen, scale = probe.variant.hyperparameters, trained_scale(pd.DataFrame(draw_rows(probe)))
        if scale is None:
            continue
        subject = (chosen.model.partition(":")[0], probe.dataset.name, chosen.optimizer)
        of = dict(zip(SUBJECT, subject, strict=True))
        own = table.index.difference(others(table, of).index)
        table.loc[own, "noise_scale"] = np.exp(scale.estimate).round(1)
    size = (table["noise_scale"] * table["step_over_example"]) ** 0.5
    return table.assign(predicted=size.round(1))


def _probes(folders: Iterable[Path]) -> list[GradientResult]:
    files = (file for folder in folders for file in folder.glob("results/*/*/gradients/*.json"))
    return [read_result(file, GradientResult) for file in files]


def scores() -> list[str]:
    """Lines of a Markdown table: every study of `calibration.csv`, predicted from the others."""
    table = score(calibration())
    head = "| study | predicted | measured | cost | within |"
    return [head, "|---|---|---|---|---|", *(_line(row) for row in table.to_dict("records"))]


def _line(row: dict) -> str:
    study = ", ".join(str(row[name]) for name in SUBJECT)
    predicted = f"{row['advised']:.0f} ({row['low']:.0f}–{row['high']:.0f})"
    bounds = f" ({row['cost_low']:.2f}–{row['cost_high']:.2f})" if row["cost_low"] > 0 else ""
    held = "yes" if row["held"] else "no"
    return f"| {study} | {predicted} | {row['measured']} | {row['cost']:.2f}{bounds} | {held} |"


def alternatives() -> str:
    """What else would have been cheap, and costs in geometric mean: no race, one size for all."""
    table = calibration()
    blind = _worth(score(table.assign(raced=np.nan))["cost"])
    sizes = [f"always {size} in {_worth(_costs(table, size))}" for size in (64, 128, 32)]
    return (
        f"Without the race it is cheap in {blind}; {', '.join(sizes)}, where a miss counts as "
        f"{MISS:g}."
    )


def _costs(table: pd.DataFrame, size: int) -> pd.Series:
    """Of the size tried that is nearest to this one."""
    tried = table[["batch_sizes", "relative_times"]].map(
        lambda cell: [*map(float, cell.split(";"))]
    )
    return tried.apply(
        lambda row: row["relative_times"][nearest(np.array(row["batch_sizes"]), size)], axis=1
    )


def _worth(costs: pd.Series) -> str:
    mean = geometric(costs.replace(np.inf, MISS).tolist())
    return f"{(costs <= ACCEPTABLE).sum()} and costs {mean:.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--renew", action="store_true", help="the noise scales alone")
    given = parser.parse_args()
    if given.renew:
        file = Path(prediction.__file__).with_name("calibration.csv")
        renewed(calibration(), _probes(given.folders)).to_csv(file, index=False)
    elif given.folders:
        every = pd.concat([rows(folder / "results" / "tables") for folder in given.folders])
        every.to_csv(sys.stdout, index=False, header=False)
    else:
        print(*scores(), alternatives(), sep="\n")
