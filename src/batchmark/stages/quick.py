"""Predict the best batch size from one timing session, one probe and one scan of rates."""

import argparse
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchmark.collecting.tidy import add_ratio_to_baseline, draw_rows, subject_rows, visit_rows
from batchmark.contract.errors import UserError
from batchmark.contract.files import write_json
from batchmark.contract.gradients import GradientResult
from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from batchmark.contract.timing import TimingResult
from batchmark.report.page.build import write_small_pages
from batchmark.report.page.quick import Basis, quick_page, sentences
from batchmark.stages.command import run
from batchmark.statistics.advice import PROPORTIONAL, ROOT, KnownRate, advice
from batchmark.statistics.cost_model import Course, critical_size
from batchmark.statistics.epoch_time import epoch_times
from batchmark.statistics.intervals import Mean, number, student_of
from batchmark.statistics.noise_scale import trained_scale
from batchmark.statistics.prediction import calibration, factors, score


def predict(
    session: TimingResult,
    probe: GradientResult,
    trained: Sequence[RunResult],
    variants: Sequence[str],
) -> tuple[pd.DataFrame, Basis]:
    """The advice by loop, and what it rests on; of the session the graphs of `variants` count.

    `trained`: runs with rates of their own that raced, one a batch size; the one of the probed
    size tells the rate.
    Raises UserError where the noise scale or what a step costs cannot be told.
    """
    scale = _noise_scale(probe)
    chosen = probe.variant.hyperparameters
    known = _known_rate(trained, chosen.batch_size)
    graphs = {each.id for each in session.subjects if {*each.variants} & {*variants}}
    sizes = [size for graph, size in session.largest_batch_size.items() if size and graph in graphs]
    largest = max(sizes, default=None)
    noise = student_of(scale).exp()
    factor = factors(calibration(), float(noise.estimate), chosen.optimizer)
    race = critical_size({run.budget.batch_size: _courses(run) for run in trained})
    raced = race * factors(calibration(), race, chosen.optimizer, "raced") if race else None
    table = advice(_subjects(session, graphs), scale, factor, known, largest, raced)
    if table.empty:
        raise UserError(
            f"study {session.study}: what a step and an image cost cannot be told from the batch "
            "sizes that were timed; give its grids three or more, and larger ones."
        )
    scores = score(calibration())
    return table, Basis(
        model=chosen.model,
        optimizer=chosen.optimizer,
        dataset=probe.dataset.name,
        sample=probe.dataset.is_sample,
        noise_scale=(float(noise.estimate), float(noise.low), float(noise.high)),
        moments=sum(point.moment != "initial" for point in probe.trials[0].points),
        raced=race,
        sizes=sorted(run.budget.batch_size for run in trained),
        studies=len(scores),
        cheap=int(scores["cheap"].sum()),
        held=int(scores["held"].sum()),
        rate=known.rate if known else None,
        rate_at=known.batch_size if known else None,
        largest=largest,
        warnings=len(session.warnings),
    )


def _subjects(session: TimingResult, graphs: Collection[str]) -> pd.DataFrame:
    """The graphs with the most threads, in every loop: a subject is called by graph and loop."""
    visits = add_ratio_to_baseline(pd.DataFrame(visit_rows(session)))
    timed = epoch_times(visits, pd.DataFrame(subject_rows(session))).subjects
    own = timed["subject"].str.partition(".")[0].isin([*graphs])
    return timed[own & (timed["threads"] == timed["threads"].max())]


def _noise_scale(probe: GradientResult) -> Mean:
    # A trial's probes end where its gradients are not finite, and one comes after the start.
    if not any(point.moment != "initial" for trial in probe.trials for point in trial.points):
        raise UserError(
            f"variant {probe.variant.id}: its gradients are not finite at the start or soon after, "
            "so nothing can be predicted; look in the model for what overflows or divides by zero, "
            "or try another optimizer or learning rate."
        )
    scale = trained_scale(pd.DataFrame(draw_rows(probe)))
    if scale is None:
        raise UserError(
            f"variant {probe.variant.id}: its gradients' noise scale cannot be told; probe more "
            "draws (probing.draws), at sizes below a tenth of the data (probing.batch_sizes)."
        )
    return scale


def _courses(run: RunResult) -> list[Course]:
    """The losses of all seeds; NaN where one was not finite."""
    every = (trial.evaluations for trial in run.trials)
    return [Course(np.array(one.epoch), np.array(one.loss, float)) for one in every]


def _known_rate(trained: Sequence[RunResult], size: int | str) -> KnownRate | None:
    """The rate that the scan at this batch size chose, or at the first one."""
    scans = [(run, run.tuning) for run in trained if run.tuning]
    scans.sort(key=lambda scan: scan[0].budget.batch_size != size)
    if not scans:
        return None
    run, tuning = scans[0]
    power = PROPORTIONAL if run.variant.hyperparameters.optimizer == "sgd" else ROOT
    highest = max(tuning.learning_rates)
    return KnownRate(tuning.chosen, run.budget.batch_size, power, highest)


def document(table: pd.DataFrame, basis: Basis) -> dict[str, Any]:
    """Everything, for programs; what is not finite is null."""
    loops = [
        {key: _plain(value) for key, value in row.items() if not str(key).endswith("_unbounded")}
        for row in table.to_dict("records")
    ]
    return {"predicted": True, "measured": False, "basis": vars(basis), "loops": loops}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int) else number(float(value))


def main() -> None:
    """`python -m batchmark.stages.quick --timing FILE --gradients FILE …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timing", required=True, type=Path, help="of a study with three sizes")
    parser.add_argument("--gradients", nargs="?", type=Path, help="of one of its variants")
    words = "of a variant whose learning rate is tuned; of three sizes they race"
    parser.add_argument("--run", type=Path, action="append", default=[], help=words)
    words = "of the timed ones, those that differ from the probed one in batch size and rate alone"
    parser.add_argument("--variants", nargs="*", default=[], help=words)
    parser.add_argument("--templates", required=True, type=Path)
    parser.add_argument("--reports", required=True, type=Path, help="the folder to write to")
    given = parser.parse_args()
    session = read_result(given.timing, TimingResult)
    if given.gradients is None:
        raise UserError(
            f"study {session.study}: no variant is probed, and without gradients there is no "
            "prediction; list one under `probe`."
        )
    probe = read_result(given.gradients, GradientResult)
    trained = [read_result(file, RunResult) for file in given.run]
    table, basis = predict(session, probe, trained, given.variants)
    write_json(given.reports / "quick.json", document(table, basis))
    pages = partial(quick_page, table, basis)
    write_small_pages(pages, "quick", given.templates, given.reports)
    for sentence in sentences(table, basis):
        print(sentence)


if __name__ == "__main__":
    run(main)
