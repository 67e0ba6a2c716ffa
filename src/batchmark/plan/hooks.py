"""What happens when a run of the workflow starts, ends or fails."""

import functools
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from batchmark.contract.errors import UserError
from batchmark.machine.locks import EXCLUSIVE, open_lock, try_lock
from batchmark.plan.forecast import (
    Expectation,
    Job,
    Progress,
    Work,
    all_work,
    compared,
    expectation,
    expected_by_job,
    is_long,
    work_of,
)
from batchmark.plan.plan import Plan

SENTENCE = "batchmark: "


class Failures(logging.Handler):
    """Follows Snakemake's log events: jobs that failed and did not succeed when tried again."""

    def __init__(self) -> None:
        super().__init__()
        self._logs: dict[int, tuple[str, list[str]]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Note a failure, or that the job has succeeded after all."""
        event, facts = getattr(record, "event", None), record.__dict__
        if event == "job_error":
            self._logs[facts["jobid"]] = (facts["rule_name"], list(facts["log"]))
        elif event == "job_finished":
            self._logs.pop(facts["job_id"], None)

    def sentences(self) -> Iterator[str]:
        """One line a job: its last words and where its log is; empty when none failed."""
        for rule, logs in self._logs.values():
            for log in logs or ["no log"]:
                yield f"{rule}: {last_words(Path(log))} ({log})"


def last_words(log: Path) -> str:
    """The sentence a stage ended with; of one that ended otherwise, the last line it wrote."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = text.strip().splitlines()
    said = [line.removeprefix(SENTENCE) for line in lines if line.startswith(SENTENCE)]
    if said:
        return said[-1]
    return f"it ended after {lines[-1].strip()!r}" if lines else "it ended without a word"


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


class Hooks:
    """One run of the workflow on `cores` cores."""

    def __init__(self, plan: Plan, places: Places, cores: int) -> None:
        self._plan, self._places, self._cores = plan, places, cores
        self._calibration = places.results / plan.machine / "calibration.json"
        self._failures = Failures()
        self._jobs: Mapping[int, Job] = {}
        self._announced: Work | None = None
        self._began = time.monotonic()

    def start(self, jobs: Mapping[int, Job], here: bool) -> list[logging.Handler]:
        """Begin a run of `jobs`, by id; returns what must hear of Snakemake's log events.

        `here`: they run on this machine, so their cost is announced when it is large. Raises
        UserError when another run works in this folder.
        """
        # The kernel drops this lock when the process ends, however it ends; the profile therefore
        # switches Snakemake's own lock off, which outlives a kill.
        if not try_lock(open_lock("batchmark.lock", self._places.own), EXCLUSIVE):
            raise UserError("Another Snakemake works in this folder; wait until it ends.")
        self._jobs = jobs
        work = work_of(jobs.values())
        return [self._failures, *(self._announce(work) if here and is_long(work) else [])]

    def succeed(self) -> None:
        """Compare the announced time, and remove the partial page that the report replaces."""
        stages = self._stages()
        if self._announced is not None:
            # For the images that were there: before the download, MNIST's number was assumed.
            taken = time.monotonic() - self._began
            _say(compared(self._expected(self._announced).total, taken))
        if "calibrate" in stages:
            _say(f"Expected:\n{self._expected(all_work(self._plan)).table()}")
        if "report" in stages:
            shutil.rmtree(self._places.partial, ignore_errors=True)

    def fail(self, files_are_here: bool) -> None:
        """Say once more why each job failed; where the report was wanted, make a partial page."""
        sentences = list(self._failures.sentences())
        if sentences:
            _say("\n  ".join([f"{len(sentences)} failed:", *sentences]))
        if "render" in self._stages() and files_are_here:
            subprocess.run(self.partial_command(), check=False)

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

    def _announce(self, work: Work) -> list[Progress]:
        if not self._calibration.exists():
            calibrate = [sys.executable, "-m", "batchmark.stages.calibrate", "--output"]
            subprocess.run([*calibrate, str(self._calibration)], check=True)
        _say(f"Expected:\n{self._expected(work).table()}")
        self._announced = work
        by_job = functools.partial(expected_by_job, self._plan, self._jobs, *self._basis())
        downloads = [id_ for id_, (stage, _) in self._jobs.items() if stage == "download"]
        return [Progress(by_job, downloads, _say)]

    def _expected(self, work: Work) -> Expectation:
        return expectation(self._plan, work, *self._basis())

    def _basis(self) -> tuple[Path, Path, int]:
        return self._calibration, self._places.facts, self._cores

    def _stages(self) -> set[str]:
        return {stage for stage, _ in self._jobs.values()}


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
