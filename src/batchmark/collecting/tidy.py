"""From result records to tidy tables."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic_core import to_json

from batchmark.collecting.gather import (
    AnyResult,
    Consistency,
    Place,
    find_places,
    read_gradients,
    read_profiles,
    read_runs,
    read_timings,
)
from batchmark.contract.errors import UserError
from batchmark.contract.gradients import GradientResult, ProbePoint
from batchmark.contract.profile import ProfileResult
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.run import ACCURACY_IMAGES, RunResult, Trial
from batchmark.contract.tables import COLLECTED
from batchmark.contract.timing import TimingResult
from batchmark.timing.warnings import ratio_to_line

Row = dict[str, Any]

EPOCHS_HEADER = ",".join(COLLECTED["epochs"]).encode() + b"\n"
# After the columns that say which trial it is.
_EVALUATION = COLLECTED["epochs"][4:]


def epoch_lines(run: RunResult) -> bytes:
    """All evaluations of a run as CSV lines without header.

    Serialized as JSON and turned into CSV, which is twenty times faster than a data frame's
    writer; safe because the keys are slugs and everything else is a number or null.
    """
    return b"".join(_trial_lines(run, trial) for trial in run.trials)


def _trial_lines(run: RunResult, trial: Trial) -> bytes:
    columns = [getattr(trial.evaluations, name) for name in _EVALUATION]
    # Before the key is put in front, which may hold the word itself.
    rows = to_json(list(zip(*columns, strict=True)))[2:-2].replace(b"null", b"")
    if not rows:
        return b""
    key = f"{run.machine},{run.device},{run.variant.id},{trial.seed},".encode()
    return key + rows.replace(b"],[", b"\n" + key) + b"\n"


def variant_row(run: RunResult, studies: list[str]) -> Row:
    """Hyperparameters as trained: sizes as numbers, `tuned` and `full` as flags."""
    chosen = run.variant.hyperparameters
    rate = chosen.learning_rate
    rates = [trial.learning_rate for trial in run.trials if trial.learning_rate is not None]
    return {
        **_place(run),
        "variant": run.variant.id,
        "studies": ";".join(studies),
        **chosen.model_dump(exclude={"model_arguments", "optimizer_arguments"}),
        "model_arguments": json.dumps(chosen.model_arguments, sort_keys=True),
        "optimizer_arguments": json.dumps(chosen.optimizer_arguments, sort_keys=True),
        # What was trained with: of a tuned rate the one that was chosen.
        "learning_rate": rate if isinstance(rate, float) else next(iter(rates), None),
        "tuned": rate == "tuned",
        "tuning_epochs": sum(run.tuning.trained_epochs) if run.tuning else None,
        "batch_size": run.budget.batch_size,
        "full_batch": chosen.batch_size == "full",
        "train_size": run.budget.train_size,
        "full_train": chosen.train_size == "full",
        "epochs": run.budget.epochs,
        "evaluate_every": run.budget.evaluate_every,
        "steps_per_epoch": run.budget.steps_per_epoch,
        "examples_per_epoch": run.budget.examples_per_epoch,
        "parameters": run.budget.parameters,
        "trials": len(run.trials),
        "dataset": run.dataset.name,
        "dataset_digest": run.dataset.digest,
        "validation_size": run.budget.validation_size or run.dataset.validation,
        "test_size": run.budget.test_size or run.dataset.test,
        "scored_train_size": min(
            run.budget.train_size, ACCURACY_IMAGES, run.budget.test_size or ACCURACY_IMAGES
        ),
    }


def trial_rows(run: RunResult) -> list[Row]:
    """One row per seed: what is known about the whole trial."""
    return [
        {
            **_place(run),
            "variant": run.variant.id,
            "seed": trial.seed,
            "status": trial.status,
            "learning_rate": trial.learning_rate,
            "train_size": run.budget.train_size,
            "steps_per_epoch": run.budget.steps_per_epoch,
            "parameters": run.budget.parameters,
            "epochs": run.budget.epochs,
            "best_epoch": _best_epoch(trial),
            "test_accuracy_at_best": trial.test_accuracy_at_best,
            "final_test_accuracy": trial.final_test_accuracy,
            "final_train_accuracy": trial.final_train_accuracy,
            "small_weight_share": trial.small_weight_share,
            "gradient_norms": json.dumps(trial.gradient_norms),
            "message": trial.message,
            "targets": ";".join(f"{target:g}" for target in trial.targets),
        }
        for trial in run.trials
    ]


def _best_epoch(trial: Trial) -> float | None:
    best = trial.best_evaluation
    return None if best is None else trial.evaluations.epoch[best]


def subject_rows(session: TimingResult) -> list[Row]:
    """One row per timed training graph and thread setting."""
    return [
        {
            **_place(session),
            "study": session.study,
            "subject": subject.id,
            **subject.model_dump(exclude={"id", "variants", "message"}),
            "peak_flops_per_second": session.peak_flops_per_second.get(str(subject.threads)),
            "variants": ";".join(subject.variants),
            "message": subject.message,
        }
        for subject in session.subjects
    ]


def visit_rows(session: TimingResult) -> list[Row]:
    """One row per clock reading."""
    subjects = {subject.id: subject for subject in session.subjects}
    rows = []
    for visit in session.visits:
        subject = subjects[visit.subject]
        seconds = visit.elapsed_ns / 1e9
        per_step = seconds / max(visit.steps, 1)
        rows.append(
            {
                **_place(session),
                "study": session.study,
                "subject": visit.subject,
                "role": subject.role,
                "threads": subject.threads,
                "batch_size": subject.batch_size,
                "round": visit.round,
                "order": visit.order,
                "process": visit.process,
                "repeated": visit.repeated,
                "start_seconds": visit.start_ns / 1e9,
                "steps": visit.steps,
                "seconds": seconds,
                "taken_seconds": visit.taken_ns / 1e9,
                "seconds_per_step": per_step,
                "steps_per_epoch": subject.steps_per_epoch,
                "seconds_per_epoch": per_step * subject.steps_per_epoch,
            }
        )
    return rows


def lone_run_rows(session: TimingResult) -> list[Row]:
    """One row per variant that was trained alone, to the target."""
    place = {**_place(session), "study": session.study}
    return [{**place, **run.model_dump()} for run in session.lone_runs]


def warning_rows(session: TimingResult) -> list[Row]:
    """What the timing stage itself had doubts about, and what it could not time."""
    failed = [
        {"code": "not_timed", "subject": subject.id, "text": subject.message}
        for subject in session.subjects
        if subject.message
    ]
    noted = [warning.model_dump() for warning in session.warnings]
    return [{**_place(session), "study": session.study, **row} for row in noted + failed]


def draw_rows(probe: GradientResult) -> list[Row]:
    """One row per mini-batch gradient. The last draw of a probe has no successor."""
    return [
        {**key, "batch_size": batch.batch_size, "draw": number, **draw}
        for key, point in _points(probe)
        for batch in point.batches
        for number, draw in enumerate(_draws(batch.cosine, batch.squared_norm,
                                             batch.successive_cosine))
    ]  # fmt: skip


def _draws(cosine: list[float], norm: list[float], successive: list[float]) -> Iterator[Row]:
    for number, (with_full, squared) in enumerate(zip(cosine, norm, strict=False)):
        following = successive[number] if number < len(successive) else None
        yield {"cosine": with_full, "squared_norm": squared, "successive_cosine": following}


def layer_rows(probe: GradientResult) -> list[Row]:
    """One row per layer and moment; depth counts from the input, starting at 0."""
    return [
        {**key, "layer": layer, "depth": depth, "norm": norm}
        for key, point in _points(probe)
        for depth, (layer, norm) in enumerate(point.layer_norms.items())
    ]


def magnitude_rows(probe: GradientResult) -> list[Row]:
    """One row per quantile of |dL/dw| over single weights."""
    return [
        {**key, "quantile": quantile, "magnitude": magnitude}
        for key, point in _points(probe)
        for quantile, magnitude in point.magnitude_quantiles.items()
    ]


def part_rows(profiles: ProfileResult) -> list[Row]:
    """One row per part of a profiled step; the shares of a step add up to 1."""
    return [
        {
            **_place(profiles),
            "study": profiles.study,
            "variant": step.variant,
            "threads": profiles.threads,
            **step.model_dump(exclude={"variant", "parts", "message"}),
            **part.model_dump(),
            "share": part.seconds / step.traced_seconds_per_step,
        }
        for step in profiles.profiles
        for part in step.parts
    ]


def unprofiled_rows(profiles: ProfileResult) -> list[Row]:
    """A warning for each variant whose step could not be profiled."""
    place = {**_place(profiles), "study": profiles.study}
    return [
        {**place, "code": "not_profiled", "subject": step.variant, "text": step.message}
        for step in profiles.profiles
        if step.message
    ]


def _points(probe: GradientResult) -> Iterator[tuple[Row, ProbePoint]]:
    for trial in probe.trials:
        for point in trial.points:
            yield (
                {
                    **_place(probe),
                    "variant": probe.variant.id,
                    "seed": trial.seed,
                    "moment": point.moment,
                    "epoch": point.epoch,
                    "full_size": point.full_size,
                    "full_squared_norm": point.full_squared_norm,
                },
                point,
            )


def _place(result: AnyResult) -> Row:
    return {"machine": result.machine, "device": result.device}


# Within one of them drift is small: visits are compared with a baseline's of the same round.
ROUND = ["machine", "device", "study", "round"]


def add_ratio_to_baseline(visits: pd.DataFrame) -> pd.DataFrame:
    """Add `ratio_to_baseline`: seconds per epoch over the baseline's at that moment.

    By its visits in the same round, whatever a visit's number of threads. NaN in a round without
    one, and for what was repeated.
    """
    moments = (visits["start_seconds"] + visits["seconds"] / 2).to_numpy(float)
    costs = visits["seconds_per_epoch"].to_numpy(float)
    baselines = (visits["role"] == "baseline").to_numpy(bool)
    ratios = np.full(len(visits), np.nan)
    counted = np.flatnonzero(~visits["repeated"].to_numpy(bool))
    for members in visits.iloc[counted].groupby(ROUND, sort=False).indices.values():
        rows = counted[members]
        ratios[rows] = ratio_to_line(moments[rows], costs[rows], baselines[rows])
    return visits.assign(ratio_to_baseline=ratios)


# Of a stage's log, the end: there it says why it failed.
LOG_LINES = 5
# The stage that makes a kind of result, and what the reader calls it.
STAGES = {
    "runs": ("train", "result"),
    "timings": ("time", "timing session"),
    "gradients": ("probe", "gradient probe"),
    "profiles": ("profile", "profile"),
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
        # Over all visits at once: a ratio needs the baseline's of the same round.
        if len(made["timings"]):
            made["timings"] = add_ratio_to_baseline(made["timings"])
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
        collection.epochs.append(epoch_lines(run))
        collection.rows["variants"].append(variant_row(run, studies[run.variant.id]))
        collection.rows["trials"] += trial_rows(run)
        collection.rows["warnings"] += [*_data_warnings(collection, run), *_run_warnings(run)]
        _note_environment(collection, run)
    for path, session in read_timings(place, request):
        consistency.note(path, session)
        collection.rows["results"].append(_file_row(path, session))
        collection.rows["subjects"] += subject_rows(session)
        collection.rows["timings"] += visit_rows(session)
        collection.rows["lone_runs"] += lone_run_rows(session)
        collection.rows["warnings"] += [
            *_data_warnings(collection, session),
            *warning_rows(session),
        ]
        _note_session(collection, session)
    for path, probe in read_gradients(place, request):
        consistency.note(path, probe)
        collection.rows["results"].append(_file_row(path, probe))
        collection.rows["draws"] += draw_rows(probe)
        collection.rows["layer_norms"] += layer_rows(probe)
        collection.rows["magnitudes"] += magnitude_rows(probe)
    for path, profiles in read_profiles(place, request):
        consistency.note(path, profiles)
        collection.rows["results"].append(_file_row(path, profiles))
        collection.rows["step_parts"] += part_rows(profiles)
        collection.rows["warnings"] += unprofiled_rows(profiles)


def _file_row(path: Path, result: AnyResult) -> Row:
    """What tells later whether a report was made of the results that lie there then."""
    # Below the folder of results, so that a moved project is the same.
    return {"file": "/".join(path.parts[-4:]), "digest": result.digest}


def _studies_of(request: CollectRequest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for study, variants in request.studies.items():
        for variant in variants:
            found[variant].append(study)
    return found


def _data_warnings(collection: Collection, result: RunResult | TimingResult) -> Iterator[Row]:
    """What was noted about a data set, once a place: with the first of its results."""
    record = collection.environment.get(f"{result.machine}/{result.device}", {"dataset": {}})
    known = {record["dataset"].get("name"), *record.get("other_datasets", {})}
    if result.dataset.name not in known:
        for note in result.dataset.notes:
            row = {**_place(result), "study": "", "subject": result.dataset.name}
            yield row | {"code": note.code, "text": note.text}


def _run_warnings(run: RunResult) -> Iterator[Row]:
    row = {"machine": run.machine, "device": run.device, "study": "", "subject": run.variant.id}
    if run.tuning is not None and run.tuning.on_border:
        yield row | {
            "code": "rate_on_border",
            "text": f"The tuned learning rate {run.tuning.chosen:g} lies on the border of its "
            "grid: a better one may lie outside.",
        }
    for warning in run.warnings:
        yield row | {"code": warning.code, "text": warning.text}
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
    record = collection.environment.setdefault(
        f"{run.machine}/{run.device}",
        {**run.environment, "dataset": _facts(run), "timings": {}},
    )
    if run.dataset.name != record["dataset"]["name"]:
        record.setdefault("other_datasets", {})[run.dataset.name] = _facts(run)
    _note_start(record, run)


def _facts(result: RunResult | TimingResult) -> dict[str, Any]:
    """What is known of the data; notes on them are warnings."""
    return result.dataset.model_dump(mode="json", exclude={"notes"})


def _note_start(record: dict[str, Any], run: RunResult) -> None:
    """The day of the latest trial is the day of the results."""
    before = record.get("clock", {}).get("started", "")
    # ISO dates sort as text.
    started = max([before, *(trial.clock.started for trial in run.trials)])
    record["clock"] = {"started": started}


def _note_session(collection: Collection, session: TimingResult) -> None:
    place = collection.environment.setdefault(
        f"{session.machine}/{session.device}",
        {**session.environment, "dataset": _facts(session), "timings": {}},
    )
    place["timings"][session.study] = {
        "baseline": session.baseline,
        "before": session.before,
        "after": session.after,
        "environment": session.environment,
        "peak_flops_per_second": session.peak_flops_per_second,
        "largest_batch_size": session.largest_batch_size,
    }


def _note_failures(
    collection: Collection, request: CollectRequest, results: Path, logs: Path
) -> None:
    """List every planned result that is not there, with the last lines of its job's log."""
    for device, kind, name in _planned(request):
        if (results / request.machine / device / kind / f"{name}.json").exists():
            continue
        stage, called = STAGES[kind]
        of_study = kind in ("timings", "profiles")
        studies = [name] if of_study else _studies_of(request)[name]
        collection.rows["failures"].append(
            {
                "machine": request.machine,
                "device": device,
                "kind": kind,
                "variant": "" if of_study else name,
                "studies": ";".join(studies),
                "reason": f"no {called}: it failed or was never started",
                "log": _last_lines(logs / stage / device / f"{name}.log"),
            }
        )


def _planned(request: CollectRequest) -> Iterator[tuple[str, str, str]]:
    """Device, kind and name of every result file of the plan."""
    for device in request.devices:
        yield from ((device, "runs", variant.id) for variant in request.variants)
        yield from ((device, "timings", study) for study in request.timed)
        yield from ((device, "profiles", study) for study in request.profiled)
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
