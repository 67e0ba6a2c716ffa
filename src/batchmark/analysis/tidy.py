"""Result files as rows of tidy tables: pure, one function a table."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.tables import COLLECTED
from batchmark.results.gradients import GradientResult, ProbePoint
from batchmark.results.run import RunResult, Trial
from batchmark.results.timing import TimingResult

Row = dict[str, Any]

# That of `training.trial`, which cannot be imported without TensorFlow; a test compares them.
ACCURACY_IMAGES = 10_000

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
    chosen = Hyperparameters(**run.variant.hyperparameters)
    rate = chosen.learning_rate
    rates = [trial.learning_rate for trial in run.trials if trial.learning_rate is not None]
    return {
        **_place(run),
        "variant": run.variant.id,
        "studies": ";".join(studies),
        **chosen.model_dump(exclude={"model_arguments", "optimizer_arguments"}),
        "model_arguments": json.dumps(chosen.model_arguments, sort_keys=True),
        "optimizer_arguments": json.dumps(chosen.optimizer_arguments, sort_keys=True),
        "learning_rate": rate if isinstance(rate, float) else next(iter(rates), None),
        "tuned": rate == "tuned",
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
        "validation_size": run.dataset.validation,
        "test_size": run.dataset.test,
        "scored_train_size": min(run.budget.train_size, ACCURACY_IMAGES),
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
        }
        for trial in run.trials
    ]


def _best_epoch(trial: Trial) -> float | None:
    best = trial.best_evaluation
    return None if best is None else trial.evaluations.epoch[best]


def subject_rows(block: TimingResult) -> list[Row]:
    """One row per timed training graph and thread setting."""
    return [
        {
            **_place(block),
            "study": block.study,
            "subject": subject.id,
            **subject.model_dump(exclude={"id", "variants", "message"}),
            "peak_flops_per_second": block.peak_flops_per_second.get(str(subject.threads)),
            "variants": ";".join(subject.variants),
            "message": subject.message,
        }
        for subject in block.subjects
    ]


def visit_rows(block: TimingResult) -> list[Row]:
    """One row per clock reading."""
    subjects = {subject.id: subject for subject in block.subjects}
    rows = []
    for visit in block.visits:
        subject = subjects[visit.subject]
        seconds = visit.elapsed_ns / 1e9
        per_step = seconds / max(visit.steps, 1)
        rows.append(
            {
                **_place(block),
                "study": block.study,
                "subject": visit.subject,
                "role": subject.role,
                "threads": subject.threads,
                "batch_size": subject.batch_size,
                "round": visit.round,
                "order": visit.order,
                "start_seconds": visit.start_ns / 1e9,
                "steps": visit.steps,
                "seconds": seconds,
                "seconds_per_step": per_step,
                "steps_per_epoch": subject.steps_per_epoch,
                "seconds_per_epoch": per_step * subject.steps_per_epoch,
            }
        )
    return rows


def caution_rows(block: TimingResult) -> list[Row]:
    """What the timing stage itself had doubts about, and what it could not time."""
    failed = [
        {"code": "not_timed", "subject": subject.id, "text": subject.message}
        for subject in block.subjects
        if subject.message
    ]
    noted = [caution.model_dump() for caution in block.cautions]
    return [{**_place(block), "study": block.study, **row} for row in noted + failed]


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
    for number, (one, squared) in enumerate(zip(cosine, norm, strict=False)):
        following = successive[number] if number < len(successive) else None
        yield {"cosine": one, "squared_norm": squared, "successive_cosine": following}


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


def _place(result: RunResult | TimingResult | GradientResult) -> Row:
    return {"machine": result.machine, "device": result.device}
