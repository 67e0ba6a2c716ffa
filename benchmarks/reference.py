"""The reference: the published table redone in full, twice, and a whole evening, and their pages.

    python -m benchmarks.reference pack PART RESULTS...
    python -m benchmarks.reference build PART

PART is `table` (LeNet-5), `theano` (the LeNet of the published table) or `evening`. RESULTS are
folders in which `reference/PART/config.yaml` ran. `pack` keeps what the configuration asks for,
each result from the first folder that has it, with the seeds that only later ones have. It writes
what every report shows beside its own, the rows of the table and the verdicts of the evening, and
the tables of reference/README.md. `build` makes the part's page of what is packed.
"""

import argparse
import math
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from batchmark.collecting.tidy import collect
from batchmark.contract.record import read_result, write_result
from batchmark.contract.requests.analyze import AnalyzeRequest
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.contract.run import RunResult, Trial
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
from batchmark.statistics.intervals import median
from batchmark.statistics.study_data import published

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "reference"
README = REFERENCE / "README.md"
PAGE = ROOT / "docs" / "reference"
STATISTICS = ROOT / "src" / "batchmark" / "statistics"
CLAIMS = ROOT / "src" / "batchmark" / "claims"
# Behind a part's stands what `pack` writes.
MARK = "<!-- {part}: ours / published -->\n\n"
# Errors in the table that ships, and the accuracies of a trial behind them.
ERRORS = {
    "best_validation_error": "validation_accuracy",
    "best_test_error": "test_accuracy_at_best",
    "final_test_error": "final_test_accuracy",
}
# Where a page of each part lies.
PAGES = {"evening": PAGE, "table": PAGE / "table", "theano": PAGE / "theano"}
# Fewer seeds have no interval worth the name.
FEWEST_FOR_INTERVAL = 3


def packed(part: str) -> Path:
    """Its raw results."""
    return REFERENCE / part / "results.tar.xz"


def plan(part: str, handover: Path) -> Plan:
    """What a part of the reference consists of, whatever the default configuration says today."""
    file = REFERENCE / part / "config.yaml"
    merged = yaml.safe_load(file.read_text(encoding="utf-8"))
    files = [str(file.relative_to(ROOT))]
    studies = [ROOT / "config" / "studies"]
    # Nothing runs: a card need not be here.
    return open_plan(merged, files, studies, handover, jobs_run_here=False)


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
            content = _content(path, folders, scratch / "together.json")
            member = tarfile.TarInfo(str(path))
            member.size = len(content)
            opened.addfile(member, BytesIO(content))
    shutil.copy(archive, packed(part))


def _content(path: Path, folders: Sequence[Path], scratch: Path) -> bytes:
    """Of the first of the folders that has it, a run with the seeds that others add."""
    there = [folder / path for folder in folders if (folder / path).exists()]
    if not there:
        raise SystemExit(f"{path}: is in none of the folders; run it, or take it off the plan.")
    if len(there) == 1 or path.parent.name != "runs":
        return there[0].read_bytes()
    write_result(scratch, together([read_result(one, RunResult) for one in there]))
    return scratch.read_bytes()


def together(runs: Sequence[RunResult]) -> RunResult:
    """One run with the trials of all, by seed: seeds are repeatable, wherever each ran alone.

    SystemExit where anything else differs, which a single run could not have, or what two have of
    one seed.
    """
    first, *others = [run.model_copy(update={"trials": [], "digest": ""}) for run in runs]
    if any(other != first for other in others):
        raise SystemExit(f"{first.variant.id}: its runs differ in more than their trials.")
    trials: dict[int, Trial] = {}
    for trial in (trial for run in runs for trial in run.trials):
        if _repeatable(trials.setdefault(trial.seed, trial)) != _repeatable(trial):
            raise SystemExit(
                f"{first.variant.id}: seed {trial.seed}: two of the folders have records of it "
                "that differ; name one of them alone, or run the seed again."
            )
    return first.model_copy(update={"trials": [trials[seed] for seed in sorted(trials)]})


def _repeatable(trial: Trial) -> dict[str, Any]:
    return trial.model_dump(exclude={"clock"})


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
            f"{_written(row['epochs_to_target'])}{_some(row)} / {_written(known['epoch_at_099'])}",
        ]
        lines.append(f"| {row['batch_size']:.0f} | {row['trials']:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spans(tables: Tables) -> pd.DataFrame:
    """How far the errors of a variant's seeds reach, in percent; empty for a single one."""
    trials, keys = tables.frame("trials"), ["variant", "seed"]
    # Seeds that ended at a target tell nothing else.
    trials = trials[trials["targets"].isna()]
    best = tables.frame("epochs").groupby(keys)["validation_accuracy"].max()
    of_trials = trials.join(best, on=keys)[["variant", *ERRORS.values()]].set_index("variant")
    errors = 100 * (1 - of_trials.rename(columns={column: name for name, column in ERRORS.items()}))
    return errors.groupby("variant").agg(_span)


def _span(errors: "pd.Series[float]") -> str:
    """The 95 % interval of the median, the least and the most of two seeds."""
    if len(errors) == 1:
        return ""
    low, high = errors.min(), errors.max()
    if len(errors) >= FEWEST_FOR_INTERVAL:
        _, low, high = (float(part.item()) for part in median(errors))
    return f" ({_written(low)}–{_written(high)})"


def _some(row: "pd.Series[Any]") -> str:
    """How many seeds reached the target, where neither all nor none did."""
    reached, trials = row["reached"], row["trials"]
    return f" ({reached:.0f} of {trials:.0f})" if 0 < reached < trials else ""


def _written(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


def write_table(tables: Tables) -> None:
    """What reports and the README show of the table."""
    rows(tables).to_csv(STATISTICS / "reference.csv", index=False, float_format="%.9g")
    write_readme("table", tables)


def write_readme(part: str, tables: Tables) -> None:
    """The README's table of a part, which ends with a blank line or with the file."""
    head, mark, rest = README.read_text(encoding="utf-8").partition(MARK.format(part=part))
    _, blank, tail = rest.partition("\n\n")
    table = beside_published(tables).removesuffix("\n")
    README.write_text(head + mark + table + (blank + tail or "\n"), encoding="utf-8")


def write_verdicts(tables: Tables) -> None:
    """What reports show of the evening."""
    verdicts(tables).to_csv(CLAIMS / "reference.csv", index=False)


WRITERS: Mapping[str, Callable[[Tables], None]] = {
    "table": write_table,
    "theano": partial(write_readme, "theano"),
    "evening": write_verdicts,
}


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
            WRITERS[given.part](Tables(folder / "tables"))
        else:
            PAGES[given.part].mkdir(parents=True, exist_ok=True)
            for page in pages.glob("*.html"):
                shutil.copy(page, PAGES[given.part])


if __name__ == "__main__":
    main()
