"""What a job is called where it is told about, and what it found, in a few words."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import Hyperparameters, dataset_of
from batchmark.contract.record import read_record, read_result
from batchmark.contract.run import RunResult, Trial
from batchmark.contract.timing import TimingResult
from batchmark.plan.plan import Plan

_ENDS = {
    "diverged": "diverged",
    "not_learning": "stayed at chance",
    "oversized": "has fewer images than a batch",
    "failed": "failed",
}


def label(plan: Plan, stage: str, wildcards: Mapping[str, str]) -> str:
    """A job as readers know it: `sgd, batch 10`, `timing of momentum`."""
    if stage == "time":
        return f"timing of {wildcards['study'].replace('_', ' ')}"
    variant = plan.variants.get(wildcards.get("variant", ""))
    if variant is None:
        # Of a download the finding says the name.
        named = (wildcards.get(key) for key in ("variant", "figure"))
        return f"{stage} {next(filter(None, named), '')}".strip()
    beside = dataset_of(variant.id)
    words = _setting(variant.hyperparameters) + (f", {beside}" if beside else "")
    return f"gradients of {words}" if stage == "probe" else words


def _setting(chosen: Hyperparameters) -> str:
    """Optimizer and batch size, and what else is not as usual."""
    unusual = chosen.model_dump(exclude_defaults=True, exclude={"optimizer", "batch_size"})
    named = [_named(axis, value) for axis, value in unusual.items()]
    return ", ".join([chosen.optimizer, f"batch {chosen.batch_size}", *named])


def _named(axis: str, value: object) -> str:
    if axis == "train_size":
        return f"{value:,} images"
    if axis == "model":
        return str(value)
    return axis.replace("_", " ") + (f" {value}" if value is not True else "")


def finding(plan: Plan, stage: str, result: Path) -> str:
    """What the file that the job wrote says; empty where it says nothing or is not here."""
    words: dict[str, Callable[[Plan, Path], str]] = {
        "download": _data,
        "train": _run,
        "time": _session,
    }
    try:
        return words[stage](plan, result) if stage in words and result.is_file() else ""
    except UserError:
        # Whoever needs the file says what is wrong with it.
        return ""


def _data(_plan: Plan, result: Path) -> str:
    facts = read_record(result.with_suffix(".json")).facts
    name = f"{facts.name}, not MNIST" if facts.is_sample else facts.name
    return f"{name}, {facts.train:,} images to train on"


def _run(plan: Plan, result: Path) -> str:
    run = read_result(result, RunResult)
    target = plan.target(run.variant.id, run.dataset.name)
    ends = Counter(trial.status for trial in run.trials)
    end, trials = ends.most_common(1)[0] if ends else ("failed", 0)
    if trials == len(run.trials) and end in _ENDS:
        return _ENDS[end]
    # As the page has it: the median trial, where a miss takes for ever.
    epochs = median(_epochs_to(trial, target) for trial in run.trials)
    if epochs == float("inf"):
        return f"{100 * target:.4g} % not reached within {_epochs(run.budget.epochs, 3)}"
    return f"{100 * target:.4g} % after {_epochs(epochs, 2)}"


def _epochs(count: float, digits: int) -> str:
    written = f"{count:.0f}" if count >= 10 else f"{count:.{digits}g}"
    return "1 epoch" if count == 1 else f"{written} epochs"


def _epochs_to(trial: Trial, target: float) -> float:
    """When the target was crossed, see `statistics.intervals.crossed`; infinite: it was not."""
    before = 0.0
    epochs, shares = trial.evaluations.epoch, trial.evaluations.validation_accuracy
    for epoch, share in zip(epochs, shares, strict=True):
        if (share or 0.0) >= target:
            return (before + epoch) / 2 if before else epoch
        before = epoch
    return float("inf")


def _session(_plan: Plan, result: Path) -> str:
    session = read_result(result, TimingResult)
    rounds = 1 + max((visit.round for visit in session.visits), default=-1)
    said = f"{len(session.subjects)} settings in {rounds} rounds"
    codes = sorted({warning.code for warning in session.warnings})
    return f"{said}, with noise ({', '.join(codes)})" if codes else said
