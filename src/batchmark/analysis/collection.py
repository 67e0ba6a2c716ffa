"""All result files of a plan as tidy tables."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.analysis import tidy
from batchmark.analysis.gather import (
    AnyResult,
    Consistency,
    Place,
    find_places,
    read_gradients,
    read_runs,
    read_timings,
)
from batchmark.analysis.relative_timing import add_ratio_to_anchor
from batchmark.analysis.tidy import Row
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.tables import COLLECTED
from batchmark.errors import UserError
from batchmark.results.run import RunResult
from batchmark.results.timing import TimingResult

LOG_LINES = 5
# The stage that makes a kind of result, and what the reader calls it.
STAGES = {
    "runs": ("train", "result"),
    "timings": ("time", "timing block"),
    "gradients": ("probe", "gradient probe"),
}


@dataclass
class Collection:
    """The tidy tables. `epochs` is CSV text already: it is by far the largest."""

    epochs: list[bytes] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    environment: dict[str, Any] = field(default_factory=dict)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table but `epochs`, by name."""
        made = {name: pd.DataFrame(self.rows[name]) for name in COLLECTED if name != "epochs"}
        if len(made["timings"]):
            made["timings"] = add_ratio_to_anchor(made["timings"])
        return made


def collect(request: CollectRequest, results: Path, logs: Path, *, partial: bool) -> Collection:
    """Read, check and tidy all results of the plan, and of other machines beside them.

    Raises UserError for a damaged or foreign file, for mixed data sets or versions and, unless
    `partial`, for a result of the plan that is not there.
    """
    collection, consistency = Collection(), Consistency()
    for place in find_places(results, request):
        _collect_place(collection, consistency, place, request)
    consistency.check()
    _note_failures(collection, request, results, logs)
    failures = collection.rows["failures"]
    if failures and not partial:
        raise UserError(_missing(failures, results))
    return collection


def _collect_place(
    collection: Collection, consistency: Consistency, place: Place, request: CollectRequest
) -> None:
    studies = _studies_of(request)
    for path, run in read_runs(place, request):
        consistency.note(path, run)
        collection.rows["results"].append(_file_row(path, run))
        collection.epochs.append(tidy.epoch_lines(run))
        collection.rows["variants"].append(tidy.variant_row(run, studies[run.variant.id]))
        collection.rows["trials"] += tidy.trial_rows(run)
        collection.rows["warnings"] += _run_warnings(run)
        _note_environment(collection, run)
    for path, block in read_timings(place, request):
        consistency.note(path, block)
        collection.rows["results"].append(_file_row(path, block))
        collection.rows["subjects"] += tidy.subject_rows(block)
        collection.rows["timings"] += tidy.visit_rows(block)
        collection.rows["warnings"] += tidy.caution_rows(block)
        _note_block(collection, block)
    for path, probe in read_gradients(place, request):
        consistency.note(path, probe)
        collection.rows["results"].append(_file_row(path, probe))
        collection.rows["draws"] += tidy.draw_rows(probe)
        collection.rows["layer_norms"] += tidy.layer_rows(probe)
        collection.rows["magnitudes"] += tidy.magnitude_rows(probe)


def _file_row(path: Path, result: AnyResult) -> Row:
    """What tells later whether a report was made of the results that lie there then."""
    return {"file": "/".join(path.parts[-4:]), "digest": result.digest}


def _studies_of(request: CollectRequest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for study, variants in request.studies.items():
        for variant in variants:
            found[variant].append(study)
    return found


def _run_warnings(run: RunResult) -> Iterator[Row]:
    row = {"machine": run.machine, "device": run.device, "study": "", "subject": run.variant.id}
    if run.tuning is not None and run.tuning.on_border:
        yield row | {
            "code": "rate_on_border",
            "text": f"The tuned learning rate {run.tuning.chosen:g} lies on the border of its "
            "grid: a better one may lie outside.",
        }
    for caution in run.cautions:
        yield row | {"code": caution.code, "text": caution.text}
    failed = [trial for trial in run.trials if trial.status == "failed"]
    if failed:
        seeds = ", ".join(str(trial.seed) for trial in failed)
        yield row | {
            "code": "trial_failed",
            "text": f"Seed {seeds} failed ({failed[0].message or 'no message'}) and counts as not "
            "having reached the target.",
        }


def _note_environment(collection: Collection, run: RunResult) -> None:
    """The environment of a place is that of its first run; the others agree in versions."""
    place = f"{run.machine}/{run.device}"
    collection.environment.setdefault(
        place, {**run.environment, "dataset": run.dataset.model_dump(mode="json"), "timings": {}}
    )
    _note_start(collection.environment[place], run)


def _note_start(record: dict[str, Any], run: RunResult) -> None:
    """The day of the latest trial is the day of the results."""
    before = record.get("clock", {}).get("started", "")
    started = max([before, *(trial.clock.started for trial in run.trials)])
    record["clock"] = {"started": started}


def _note_block(collection: Collection, block: TimingResult) -> None:
    place = collection.environment.setdefault(
        f"{block.machine}/{block.device}",
        {**block.environment, "dataset": block.dataset.model_dump(mode="json"), "timings": {}},
    )
    place["timings"][block.study] = {
        "anchor": block.anchor,
        "before": block.before,
        "after": block.after,
        "environment": block.environment,
        "peak_flops_per_second": block.peak_flops_per_second,
        "largest_batch_size": block.largest_batch_size,
    }


def _note_failures(
    collection: Collection, request: CollectRequest, results: Path, logs: Path
) -> None:
    """List every planned result that is not there, with the last lines of its job's log."""
    for device, kind, name in _planned(request):
        if (results / request.machine / device / kind / f"{name}.json").exists():
            continue
        stage, called = STAGES[kind]
        studies = [name] if kind == "timings" else _studies_of(request)[name]
        collection.rows["failures"].append(
            {
                "machine": request.machine,
                "device": device,
                "kind": kind,
                "variant": "" if kind == "timings" else name,
                "studies": ";".join(studies),
                "reason": f"no {called}: it failed or was never started",
                "log": _last_lines(logs / stage / device / f"{name}.log"),
            }
        )


def _planned(request: CollectRequest) -> Iterator[tuple[str, str, str]]:
    """Device, kind and name of every result file of the plan."""
    for device in request.devices:
        yield from ((device, "runs", variant.id) for variant in request.variants)
        yield from ((device, "timings", study) for study in request.studies)
    # Gradients hardly depend on the device: the workflow probes them on the first.
    yield from ((request.devices[0], "gradients", variant) for variant in request.probed)


def _last_lines(log: Path) -> str:
    """The end of a stage's log, empty when there is none."""
    if not log.is_file():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "\n".join(lines[-LOG_LINES:])


def _missing(failures: list[Row], results: Path) -> str:
    named = [
        f"{row['machine']}/{row['device']}/{row['kind']}/{row['variant'] or row['studies']}.json"
        for row in failures[:5]
    ]
    more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
    return (
        f"{results}: {len(failures)} result files are missing: {', '.join(named)}{more}. "
        "`snakemake` makes them; `make partial` makes a page of what there is."
    )
