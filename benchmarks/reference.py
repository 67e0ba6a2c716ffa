"""The reference: the published table redone in full, its raw results packed, its page.

    python -m benchmarks.reference pack RESULTS   # of a folder in which reference/config.yaml ran
    python -m benchmarks.reference build          # docs/reference of what is packed

`pack` keeps what the configuration asks for, and writes the tables that every report shows beside
its own; `build` needs nothing else.
"""

import argparse
import math
import shutil
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import pandas as pd
import yaml
from snakemake.utils import update_config

from batchmark.collecting.tidy import collect
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.contract.tables import REFERENCE as REFERENCE_COLUMNS
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
PACKED = REFERENCE / "results.tar.xz"
README = REFERENCE / "README.md"
PAGE = ROOT / "docs" / "reference"
STATISTICS = ROOT / "src" / "batchmark" / "statistics"
CLAIMS = ROOT / "src" / "batchmark" / "claims"
# Behind it stands what `pack` writes.
MARK = "<!-- ours / published -->\n\n"


def configuration() -> dict:
    """`config/config.yaml` with the reference's over it."""
    merged: dict = {}
    for file in (ROOT / "config" / "config.yaml", REFERENCE / "config.yaml"):
        update_config(merged, yaml.safe_load(file.read_text(encoding="utf-8")))
    return merged


def plan(handover: Path) -> Plan:
    """What the reference consists of."""
    files = ["config/config.yaml", "reference/config.yaml"]
    return open_plan(configuration(), files, [ROOT / "config" / "studies"], handover)


def build(results: Path, folder: Path) -> Path:
    """Make tables and pages of the results in `results` below `folder`; the pages' folder."""
    planned = plan(folder / "requests")
    tables, figures, pages = Tables(folder / "tables"), folder / "figures", folder / "pages"
    asked = read_request(Path(planned.collect_request()), CollectRequest)
    analyzed = read_request(Path(planned.analyze_request()), AnalyzeRequest)
    write_collection(collect(asked, results, folder, partial=False), tables.folder)
    analyze_tables(analyzed, tables.folder)
    judge_claims(analyzed, tables.folder)
    for name in planned.figures():
        plot(name, module_of(name), tables, figures / f"{name}.svg")
    words = read_request(Path(planned.render_request()), RenderRequest)
    render(words, tables, figures, ROOT / "workflow" / "report", pages)
    return pages


def pack(results: Path, folder: Path) -> None:
    """Keep in `PACKED` what the plan asks for; the same results make the same file."""
    planned = plan(folder / "requests")
    place = Path(planned.machine, *planned.devices)
    runs = [place / "runs" / f"{variant}.json" for variant in planned.variants]
    timings = [place / "timings" / f"{study}.json" for study in planned.timed]
    with tarfile.open(PACKED, "w:xz", preset=9) as archive:
        for path in sorted(runs + timings):
            member = tarfile.TarInfo(str(path))
            content = (results / path).read_bytes()
            member.size = len(content)
            archive.addfile(member, BytesIO(content))


def unpack(folder: Path) -> Path:
    """The packed results, below `folder`."""
    with tarfile.open(PACKED) as archive:
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


def beside_published(table: pd.DataFrame) -> str:
    """Markdown: the errors and epochs of each size, ours and the published ones."""
    theirs = published().set_index("batch_size")
    lines = [
        "| batch size | seeds | best validation error (%) | at epoch | test error there (%) "
        "| final test error (%) | epochs to 0.99 |",
        "|---|---|---|---|---|---|---|",
    ]
    for _, row in table.iterrows():
        known = theirs.loc[row["batch_size"]]
        cells = [
            _pair(100 * row["best_validation_error"], 100 * known["best_validation_error"]),
            _pair(row["best_epoch"], known["best_epoch"]),
            _pair(100 * row["best_test_error"], 100 * known["best_test_error"]),
            _pair(100 * row["final_test_error"], 100 * known["final_test_error"]),
            _pair(row["epochs_to_target"], known["epoch_at_099"]),
        ]
        lines.append(f"| {row['batch_size']:.0f} | {row['trials']:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _pair(ours: float, theirs: float) -> str:
    return f"{_written(ours)} / {_written(theirs)}"


def _written(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


def main() -> None:
    """`pack RESULTS`, then `build`; each writes what the repository holds of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["pack", "build"])
    parser.add_argument("results", type=Path, nargs="?", help="a results folder, for pack")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if given.what == "pack":
            pack(given.results, Path(scratch))
        pages = build(unpack(Path(scratch)), Path(scratch))
        tables = Tables(Path(scratch, "tables"))
        if given.what == "pack":
            table = rows(tables)
            table.to_csv(STATISTICS / "reference.csv", index=False, float_format="%.9g")
            verdicts(tables).to_csv(CLAIMS / "reference.csv", index=False)
            head, mark, _ = README.read_text(encoding="utf-8").partition(MARK)
            README.write_text(head + mark + beside_published(table), encoding="utf-8")
        else:
            PAGE.mkdir(exist_ok=True)
            for page in pages.glob("*.html"):
                shutil.copy(page, PAGE)


if __name__ == "__main__":
    main()
