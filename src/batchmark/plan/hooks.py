"""What happens when a run of the workflow starts, ends or fails."""

import functools
import logging
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchmark.contract.calibration import Calibration
from batchmark.contract.errors import UserError
from batchmark.contract.files import remove_leftovers
from batchmark.contract.languages import ANSWER_FILE
from batchmark.contract.record import read_result
from batchmark.machine.locks import EXCLUSIVE, open_lock, try_lock
from batchmark.machine.terminal import legible
from batchmark.plan.findings import finding, label
from batchmark.plan.forecast import (
    Expectation,
    Job,
    Work,
    all_work,
    compared,
    expectation,
    expected_by_job,
    is_long,
    studies_table,
    work_of,
)
from batchmark.plan.plan import Plan
from batchmark.plan.progress import Progress, Words, counted, own_lines, place


@dataclass(frozen=True)
class Places:
    """Where the files of a run lie. `own`: a folder for the lock that no other run uses."""

    own: Path
    facts: Path
    results: Path
    logs: Path
    reports: Path
    templates: Path

    @property
    def partial(self) -> Path:
        """Where the page of what there is goes."""
        return self.reports / "partial"

    def check(self) -> None:
        """Raise UserError where something else stands in the place of a folder."""
        for folder in (self.facts.parent, self.results, self.logs, self.reports):
            if os.path.lexists(folder) and not folder.is_dir():
                what = "a link that leads nowhere" if folder.is_symlink() else "not a folder"
                raise UserError(
                    f"{folder} is {what}, and files are to be kept below it; mend it, or move it "
                    "away."
                )


class Hooks:
    """One run of the workflow on `cores` cores; what it says goes to `logger`."""

    def __init__(self, plan: Plan, places: Places, cores: int, logger: logging.Logger) -> None:
        self._plan, self._places, self._cores, self._logger = plan, places, cores, logger
        self._calibration = places.results / plan.machine / "calibration.json"
        words = Words(functools.partial(label, plan), functools.partial(finding, plan))
        # Hears Snakemake's log events.
        self.progress = Progress(words, self._say, idle=self._conclude)
        self._jobs: Mapping[int, Job] = {}
        self._announced: Work | None = None
        self._before = 0.0
        self._began = time.monotonic()

    def start(self, jobs: Mapping[int, Job], here: bool, done: int = 0) -> None:
        """Begin a run of `jobs`, by id; `done`: how many others are done already.

        `here`: they run on this machine, so their cost is announced when it is large. Raises
        UserError when another run works in this folder.
        """
        # The kernel drops this lock when the process ends, however it ends; the profile therefore
        # switches Snakemake's own lock off, which outlives a kill.
        if not try_lock(open_lock("batchmark.lock", self._places.own), EXCLUSIVE):
            raise UserError("Another Snakemake works in this folder; wait until it ends.")
        for folder in (self._places.facts.parent, self._places.results, self._places.reports):
            remove_leftovers(folder)
        self._jobs = jobs
        stages = counted(Counter(sorted((stage for stage, _ in jobs.values()), key=place)))
        rest = f"; {done} are done already" if done else ""
        self._say(f"Jobs to do: {len(jobs)}, {stages}{rest}.", live=self.progress.status)
        expected = self._announce(work_of(jobs.values())) if here else dict
        self.progress.start(jobs, expected)

    def succeed(self) -> None:
        """Compare the announced time, say the answer; the report replaces the partial page."""
        self.progress.stop()
        stages = self._stages()
        if self._announced is not None:
            # For the images that were there: before the download, MNIST's number was assumed.
            expected = self._before + self._expected(self._announced).total
            self._say(compared(expected, time.monotonic() - self._began))
        if "calibrate" in stages:
            self._say(f"Expected:\n{self._expected(all_work(self._plan)).table()}")
            self._say(f"Study by study:\n{studies_table(self._plan, *self._basis())}")
        if "report" in stages:
            shutil.rmtree(self._places.partial, ignore_errors=True)
        if stages & {"report", "quick"}:
            self._conclude()

    def fail(self, files_are_here: bool) -> None:
        """Say once more why each job failed; where the report was wanted, make a partial page."""
        self.progress.stop()
        sentences = self.progress.failures()
        if sentences:
            self._say("\n  ".join([f"{len(sentences)} failed:", *sentences]))
        if "render" in self._stages() and files_are_here:
            self._run(self.partial_command())
        stopped = "Stopped. " if self.progress.is_interrupted else ""
        self._say(f"{stopped}{self.progress.remaining()} The same command goes on from there.")

    def partial_command(self) -> list[str]:
        """Makes a page of the results there are."""
        plan, places = self._plan, self._places
        return [
            *(sys.executable, "-m", "batchmark.stages.partial"),
            *("--collect-request", plan.collect_request()),
            *("--analyze-request", plan.analyze_request()),
            *("--render-request", plan.render_request()),
            *("--results", str(places.results)),
            *("--logs", str(places.logs)),
            *("--templates", str(places.templates)),
            *("--reports", str(places.partial)),
        ]

    def _announce(self, work: Work) -> Callable[[], Mapping[int, float]]:
        """Say what long work will take; returns that by job."""
        # A prediction is over before its forecast would pay.
        if self._predicts or not is_long(self._plan, work, self._places.facts, self._cores):
            return dict
        if not self._is_calibrated():
            self._say("Measuring how fast this machine trains, for a forecast.")
            calibrate = [sys.executable, "-m", "batchmark.stages.calibrate", "--output"]
            if not self._run([*calibrate, str(self._calibration)]):
                return dict
        expectation = self._expected(work)
        end = time.strftime("%H:%M", time.localtime(time.time() + expectation.total))
        self._say(f"Expected, until about {end}:\n{expectation.table()}")
        if any(":" in self._plan.variants[id_].hyperparameters.model for id_ in work.train):
            self._say("Models of your own are counted as LeNet-5.")
        self._announced, self._before = work, time.monotonic() - self._began
        return functools.partial(expected_by_job, self._plan, self._jobs, *self._basis())

    @property
    def _predicts(self) -> bool:
        return set(self._plan.studies) == {"quick"}

    def _is_calibrated(self) -> bool:
        """Whether there is a calibration of this version: a few seconds make another."""
        try:
            read_result(self._calibration, Calibration)
        except UserError:
            return False
        return True

    def _conclude(self) -> None:
        """The page's answer, what limits it, and where the page is; nothing without a page."""
        predicted = self._predicts
        page = self._places.reports / ("quick.html" if predicted else "index.html")
        answer = self._places.reports / ANSWER_FILE
        if answer.is_file() and not predicted:
            self._say("\n" + answer.read_text(encoding="utf-8").strip() + "\n")
        if page.is_file():
            self._say(f"The {'prediction' if predicted else 'report'}: {page.absolute()}")

    def _run(self, command: Sequence[str]) -> bool:
        """Whether a command succeeds; what it ends with is said."""
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if lines := own_lines(done.stderr):
            self._say(lines[-1])
        return done.returncode == 0

    def _expected(self, work: Work) -> Expectation:
        return expectation(self._plan, work, *self._basis())

    def _basis(self) -> tuple[Path, Path, int]:
        return self._calibration, self._places.facts, self._cores

    def _stages(self) -> set[str]:
        return {stage for stage, _ in self._jobs.values()}

    def _say(self, line: str, **extra: object) -> None:
        # `batchmark` tells these from Snakemake's own.
        self._logger.info(legible(line), extra={"batchmark": True, **extra})
