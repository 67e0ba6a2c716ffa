"""Compare two runs of a machine, made with other software or settings: what changed?

Ends with status 3 where something got slower beyond noise or a verdict turned into its opposite.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchmark.contract.errors import UserError
from batchmark.contract.files import write_json
from batchmark.contract.languages import TEMPLATES
from batchmark.contract.tables import TABLES, read_document, read_table
from batchmark.report.page.build import write_small_pages
from batchmark.report.page.comparison import comparison_page
from batchmark.stages.command import run
from batchmark.statistics.change_points import FEWEST_RUNS, change_points
from batchmark.statistics.changes import Run, environment_changes, time_changes, verdict_changes

# Neither success nor a mistake, which scripts can tell.
WORSE = 3
# What a screen holds; the file has all.
MOST_SHOWN = 12


def read_run(folder: Path) -> Run:
    """The tables of a project, of its results or of the folder itself. Raises UserError."""
    places = (folder / "results" / "tables", folder / "tables", folder)
    tables = next((place for place in places if (place / "environment.json").is_file()), None)
    if tables is None:
        raise UserError(
            f"{folder} has no tables of a run; name a folder that holds results/tables/, "
            "made by `make report`."
        )
    read = (_table(tables, name) for name in ("timings", "subjects", "claims"))
    return Run(*read, environment=read_document(tables / "environment.json"))


def _table(folder: Path, name: str) -> pd.DataFrame:
    table = read_table(folder, name)
    if missing := [column for column in TABLES[name] if column not in table]:
        raise UserError(
            f"{folder / name}.csv lacks {', '.join(missing)}: another version of batchmark made "
            "it; make the report again with this one."
        )
    return table


def read_history(folder: Path) -> list[Run]:
    """The runs in the folders of a folder by the day of their last trial, the oldest first."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one that holds a folder for each run.")
    runs = [read_run(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return sorted(runs, key=started)


def started(run: Run) -> str:
    """When the last trial of a run began, ISO; empty where there is none."""
    places = run.environment.values()
    return max((place.get("clock", {}).get("started", "") for place in places), default="")


def compare(before: Run, after: Run, history: Sequence[Run] = ()) -> dict[str, Any]:
    """All changes as JSON, and what the first line says. Raises UserError: no common machine.

    `history`: earlier runs, searched with these two for changes that stayed.
    """
    if not before.environment.keys() & after.environment.keys():
        old, new = (", ".join(run.environment) or "none" for run in (before, after))
        raise UserError(
            f"no machine is in both runs (before: {old}; after: {new}); give both the same "
            "`machine:` in the configuration."
        )
    times, verdicts = time_changes(before, after), verdict_changes(before, after)
    runs = [*history, before, after] if history else []
    steps = change_points(runs).to_dict("records") if runs else []
    return {
        "timed": len(times),
        "slower": int((times["change"] == "slower").sum()),
        "faster": int((times["change"] == "faster").sum()),
        "opposite": int(verdicts["opposite"].sum()),
        "times": _known(times).to_dict("records"),
        "verdicts": verdicts.to_dict("records"),
        "environment": environment_changes(before, after),
        "runs": len(runs),
        "change_points": [step | {"started": started(runs[step["run"]])} for step in steps],
    }


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """None where there were too few rounds for bounds or no control: JSON has no infinity."""
    plain = table.astype(object)
    return plain.where(table.notna() & ~table.isin([np.inf]), None)


def sentences(comparison: dict[str, Any]) -> Iterator[str]:
    """The comparison for a terminal."""
    yield (
        f"{comparison['timed']} training graphs timed in both runs: {comparison['slower']} slower "
        f"and {comparison['faster']} faster beyond noise."
    )
    changed = [row for row in comparison["times"] if row["change"]]
    for row in changed[:MOST_SHOWN]:
        yield (
            f"  {row['change']}: {row['study']} {row['subject']} on {row['machine']}/"
            f"{row['device']}, {row['threads']} threads: {row['ratio']:.3g} "
            f"({row['ratio_low']:.3g} to {row['ratio_high']:.3g}) times the seconds, "
            f"noise floor {row['noise_floor']:.1%}"
        )
    if len(changed) > MOST_SHOWN:
        yield f"  and {len(changed) - MOST_SHOWN} more"
    yield from _steps(comparison)
    verdicts, opposite = comparison["verdicts"], comparison["opposite"]
    yield f"{len(verdicts)} verdicts changed, {opposite} into the opposite."
    for row in verdicts:
        yield f"  {row['id']} on {row['machine']}/{row['device']}: {_turned(row)}"
    yield f"{len(comparison['environment'])} facts of the environment differ."
    for row in comparison["environment"]:
        yield f"  {row['place']}: {row['key']}: {_turned(row)}"


def _steps(comparison: dict[str, Any]) -> Iterator[str]:
    runs, steps = comparison["runs"], comparison["change_points"]
    if 0 < runs < FEWEST_RUNS:
        yield f"{runs} runs are too few for changes that stayed: {FEWEST_RUNS} are needed."
    elif runs:
        yield f"{len(steps)} changes that stayed, in {runs} runs."
    for row in steps:
        yield (
            f"  {row['change']}: {row['study']} {row['subject']} on {row['machine']}/"
            f"{row['device']}, {row['threads']} threads: {row['ratio']:.3g} times the seconds "
            f"from run {row['run'] + 1} on ({row['started']}), p = {row['p']:.2g}"
        )


def _turned(row: dict[str, Any]) -> str:
    return f"{row['before']} → {row['after']}"


def main() -> None:
    """Parse the command line, compare, print, write."""
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="folder of the earlier run")
    parser.add_argument("--after", type=Path, required=True, help="folder of the later run")
    parser.add_argument("--history", type=Path, help="folder with a folder for each earlier run")
    parser.add_argument("--output", type=Path, help="JSON file for the comparison; a page beside")
    parser.add_argument("--templates", type=Path, default=TEMPLATES, help="of the page")
    asked = parser.parse_args()
    history = read_history(asked.history) if asked.history else []
    comparison = compare(read_run(asked.before), read_run(asked.after), history)
    print("\n".join(sentences(comparison)))
    if asked.output:
        write_json(asked.output, comparison)
        pages, folder = partial(comparison_page, comparison), asked.output.parent
        write_small_pages(pages, asked.output.stem, asked.templates, folder)
        print(f"The page: {folder / asked.output.stem}.html")
    if comparison["slower"] or comparison["opposite"]:
        sys.exit(WORSE)


if __name__ == "__main__":
    run(main)
