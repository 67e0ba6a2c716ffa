"""What happens when a run of the workflow starts, ends or fails."""

import functools
import logging
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchmark.contract.errors import UserError
from batchmark.contract.files import remove_leftovers
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
    minutes,
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


# Long enough not to fill a log overnight, short enough that nobody thinks it hangs.
PULSE_SECONDS = 30.0
# Of the running jobs: what a line of a terminal holds.
MOST_NAMED = 3
# More than the last line; a log may have megabytes, and this is read twice a minute.
_TAIL_BYTES = 4096
# How TensorFlow's libraries begin what they say by themselves.
_LIBRARY = re.compile(r"[IWEF]\d{4} |WARNING: All log messages before absl")


class Pulse(logging.Handler):
    """Follows Snakemake's log events; while none come, says what the running jobs said last.

    `jobs` by id. `clock` gives seconds.
    """

    def __init__(
        self,
        jobs: Mapping[int, Job],
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._jobs, self._say, self._clock = jobs, say, clock
        self._running: dict[int, tuple[float, list[str]]] = {}
        self._heard, self._ended = False, threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Note which job began or ended."""
        event, facts = getattr(record, "event", None), record.__dict__
        if event == "job_info":
            self._running[facts["jobid"]] = (self._clock(), list(facts["log"]))
        elif event in ("job_finished", "job_error"):
            # Snakemake has two names for the id of a job.
            self._running.pop(facts["job_id" if event == "job_finished" else "jobid"], None)
        else:
            return
        self._heard = True

    def start(self) -> None:
        """Beat every `PULSE_SECONDS` until `stop`, or until this process ends."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """No more beats."""
        self._ended.set()

    def beat(self) -> None:
        """Say what runs, unless there were events since the last beat."""
        running, heard = list(self._running.items()), self._heard
        self._heard = False
        if running and not heard:
            named = [self._sentence(id_, *job) for id_, job in running[:MOST_NAMED]]
            more = len(running) - len(named)
            self._say("; ".join([*named, *([f"{more} more run"] if more else [])]) + ".")

    def _run(self) -> None:
        while not self._ended.wait(PULSE_SECONDS):
            self.beat()

    def _sentence(self, id_: int, began: float, logs: Sequence[str]) -> str:
        stage, wildcards = self._jobs.get(id_, ("a job", {}))
        name = wildcards.get("variant") or wildcards.get("study") or wildcards.get("figure") or ""
        said = [line for log in logs if (line := last_line(Path(log)))]
        words = f"{stage} {name}".strip()
        spent, last = minutes(self._clock() - began), said[-1] if said else "no word yet"
        return f"{words} has been running for {spent} ({last})"


def last_line(log: Path) -> str:
    """The last line that the stage or the user's code wrote so far; empty: none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    own = [line.strip() for line in lines if line.strip() and not _LIBRARY.match(line)]
    return own[-1][:120] if own else ""


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
        self._pulse = Pulse({}, _say)
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
        for folder in (self._places.facts.parent, self._places.results, self._places.reports):
            remove_leftovers(folder)
        self._jobs = jobs
        if not here:
            return [self._failures]
        self._pulse = Pulse(jobs, _say)
        self._pulse.start()
        return [self._failures, self._pulse, *self._announce(work_of(jobs.values()))]

    def succeed(self) -> None:
        """Compare the announced time, and remove the partial page that the report replaces."""
        self._pulse.stop()
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
        self._pulse.stop()
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
        """Say what long work will take; returns what follows it, nothing for short work."""
        if not is_long(self._plan, work, self._places.facts, self._cores):
            return []
        if not self._calibration.exists():
            calibrate = [sys.executable, "-m", "batchmark.stages.calibrate", "--output"]
            if subprocess.run([*calibrate, str(self._calibration)], check=False).returncode:
                return []
        _say(f"Expected:\n{self._expected(work).table()}")
        if any(":" in self._plan.variants[id_].hyperparameters.model for id_ in work.train):
            _say("Models of your own are counted as LeNet-5.")
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
