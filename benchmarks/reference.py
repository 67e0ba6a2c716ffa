"""The reference: the published table redone in full and a whole evening, packed, and their pages.

    python -m benchmarks.reference pack table RESULTS...
    python -m benchmarks.reference pack evening RESULTS
    python -m benchmarks.reference build PART

RESULTS are folders in which `reference/PART/config.yaml` ran. `pack` keeps what the configuration
asks for, each result from the first folder that has it, and writes what every report shows beside
its own: the rows of the table, the verdicts of the evening. `build` makes the part's page of what
is packed.
"""

import argparse
import math
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pandas as pd
import yaml

from batchmark.collecting.tidy import collect
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.contract.tables import REFERENCE as REFERENCE_COLUMNS
from batchmark.contract.tables import read_table
from batchmark.contract.tables import write_table as write_csv
from batchmark.plan.plan import Plan, open_plan
from batchmark.report.catalogue import module_of
from batchmark.report.selection import Tables, published_rows
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from batchmark.stages.judge import judge_claims
from batchmark.stages.plot import plot
from batchmark.stages.render import render
from batchmark.statistics.study_data import published

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "reference"
README = REFERENCE / "README.md"
PAGE = ROOT / "docs" / "reference"
STATISTICS = ROOT / "src" / "batchmark" / "statistics"
CLAIMS = ROOT / "src" / "batchmark" / "claims"
# Behind it stands what `pack` writes.
MARK = "<!-- ours / published -->\n\n"
# Errors in the table that ships, and the accuracies of a trial behind them.
ERRORS = {
    "best_validation_error": "validation_accuracy",
    "best_test_error": "test_accuracy_at_best",
    "final_test_error": "final_test_accuracy",
}
# Where a page of each part lies.
PAGES = {"evening": PAGE, "table": PAGE / "table"}


def packed(part: str) -> Path:
    """Its raw results."""
    return REFERENCE / part / "results.tar.xz"


def plan(part: str, handover: Path) -> Plan:
    """What a part of the reference consists of, whatever the default configuration says today."""
    file = REFERENCE / part / "config.yaml"
    merged = yaml.safe_load(file.read_text(encoding="utf-8"))
    files = [str(file.relative_to(ROOT))]
    return open_plan(merged, files, [ROOT / "config" / "studies"], handover)


def build(part: str, folder: Path) -> Path:
    """Make tables and pages of a part's results below `folder`; the pages' folder."""
    planned, results = plan(part, folder / "requests"), unpack(part, folder)
    tables, figures, pages = Tables(folder / "tables"), folder / "figures", folder / "pages"
    asked = read_request(Path(planned.collect_request()), CollectRequest)
    analyzed = read_request(Path(planned.analyze_request()), AnalyzeRequest)
    write_collection(collect(asked, results, folder, partial=False), tables.folder)
    analyze_tables(analyzed, tables.folder)
    judge_claims(analyzed, tables.folder)
    _set_apart(tables.folder)
    for name in planned.figures():
        plot(name, module_of(name), tables, figures / f"{name}.svg")
    words = read_request(Path(planned.render_request()), RenderRequest)
    render(words, tables, figures, ROOT / "workflow" / "report", pages)
    return pages


def _set_apart(folder: Path) -> None:
    """Take the verdicts that ship out of the claims: here they would stand beside themselves."""
    write_csv(folder, "claims", read_table(folder, "claims").assign(reference=None))


def pack(part: str, folders: Sequence[Path], scratch: Path) -> None:
    """Keep what the plan of a part asks for; the same results make the same file."""
    archive = scratch / "results.tar.xz"
    with tarfile.open(archive, "w:xz", preset=9) as opened:
        for path in _files(plan(part, scratch / "requests")):
            content = _first(path, folders).read_bytes()
            member = tarfile.TarInfo(str(path))
            member.size = len(content)
            opened.addfile(member, BytesIO(content))
    shutil.copy(archive, packed(part))


def _first(path: Path, folders: Sequence[Path]) -> Path:
    """Where the first of the folders has it; SystemExit where none does."""
    there = [folder / path for folder in folders if (folder / path).exists()]
    if not there:
        raise SystemExit(f"{path}: is in none of the folders; run it, or take it off the plan.")
    return there[0]


def _files(planned: Plan) -> list[Path]:
    """The results of a plan, below a folder of results."""
    asked = read_request(Path(planned.collect_request()), CollectRequest)
    kinds = {
        "runs": [variant.id for variant in asked.variants],
        "gradients": asked.probed,
        "timings": asked.timed,
        "profiles": asked.profiled,
    }
    return sorted(
        Path(asked.machine, device, kind, f"{name}.json")
        for device in asked.devices
        for kind, names in kinds.items()
        for name in names
    )


def unpack(part: str, folder: Path) -> Path:
    """The packed results of a part, below `folder`."""
    with tarfile.open(packed(part)) as archive:
        archive.extractall(folder / "results", filter="data")
    return folder / "results"


def rows(tables: Tables) -> pd.DataFrame:
    """The table that ships: one row a batch size, the largest first."""
    frame = published_rows(tables).sort_values("batch_size", ascending=False)
    return frame[list(REFERENCE_COLUMNS)]


def verdicts(tables: Tables) -> pd.DataFrame:
    """The verdict on every claim that the reference measures."""
    frame = tables.frame("claims")
    measured = frame.loc[frame["verdict"] != "not measured", ["id", "verdict"]]
    return measured.rename(columns={"verdict": "reference"})


def beside_published(tables: Tables) -> str:
    """Markdown: the errors and epochs of each size, ours and the published ones."""
    theirs, spans = published().set_index("batch_size"), _spans(tables)
    lines = [
        "| batch size | seeds | best validation error (%) | at epoch | test error there (%) "
        "| final test error (%) | epochs to 0.99 |",
        "|---|---|---|---|---|---|---|",
    ]
    for _, row in rows(tables).iterrows():
        known, span = theirs.loc[row["batch_size"]], spans.loc[row["variant"]]
        errors = {
            name: f"{_written(100 * row[name])}{span[name]} / {_written(100 * known[name])}"
            for name in ERRORS
        }
        cells = [
            errors["best_validation_error"],
            f"{_written(row['best_epoch'])} / {_written(known['best_epoch'])}",
            errors["best_test_error"],
            errors["final_test_error"],
            f"{_written(row['epochs_to_target'])} / {_written(known['epoch_at_099'])}",
        ]
        lines.append(f"| {row['batch_size']:.0f} | {row['trials']:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spans(tables: Tables) -> pd.DataFrame:
    """From the least to the most error of a variant's seeds, in percent; empty for a single one."""
    trials, keys = tables.frame("trials"), ["variant", "seed"]
    # Seeds that ended at a target tell nothing else.
    trials = trials[trials["targets"].isna()]
    best = tables.frame("epochs").groupby(keys)["validation_accuracy"].max()
    of_trials = trials.join(best, on=keys)[["variant", *ERRORS.values()]].set_index("variant")
    errors = 100 * (1 - of_trials.rename(columns={column: name for name, column in ERRORS.items()}))
    return errors.groupby("variant").agg(_span)


def _span(errors: "pd.Series[float]") -> str:
    if len(errors) == 1:
        return ""
    return f" ({_written(errors.min())}–{_written(errors.max())})"


def _written(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


def write_table(tables: Tables) -> None:
    """What reports and the README show of the table."""
    table = rows(tables)
    table.to_csv(STATISTICS / "reference.csv", index=False, float_format="%.9g")
    head, mark, _ = README.read_text(encoding="utf-8").partition(MARK)
    README.write_text(head + mark + beside_published(tables), encoding="utf-8")


def write_verdicts(tables: Tables) -> None:
    """What reports show of the evening."""
    verdicts(tables).to_csv(CLAIMS / "reference.csv", index=False)


def main() -> None:
    """`pack`, then `build`; each writes what the repository holds of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["pack", "build"])
    parser.add_argument("part", choices=PAGES)
    parser.add_argument("results", type=Path, nargs="*", help="folders of results, for pack")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if given.what == "pack":
            pack(given.part, given.results, folder)
        pages = build(given.part, folder)
        if given.what == "pack":
            write = {"table": write_table, "evening": write_verdicts}[given.part]
            write(Tables(folder / "tables"))
        else:
            PAGES[given.part].mkdir(parents=True, exist_ok=True)
            for page in pages.glob("*.html"):
                shutil.copy(page, PAGES[given.part])


if __name__ == "__main__":
    main()
