"""What is said of a run while it goes on: what finished jobs found, what is left, what failed."""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from batchmark.plan.forecast import Job, minutes

SENTENCE = "batchmark: "
# Long enough not to fill a log overnight, short enough that nobody thinks it hangs.
PULSE_SECONDS = 30.0
# Of the running jobs: what a line of a terminal holds.
MOST_NAMED = 3
# Each of their jobs has a line of its own; the others, of seconds, have one together.
MEASURING = ("download", "train", "time", "probe", "calibrate")
# What they say goes to the terminal, too, which no bar may be drawn on meanwhile.
_OUTSPOKEN = ("download", "clean_stale", "partial")
# More than the last line; a log may have megabytes, and this is read again and again.
_TAIL_BYTES = 4096
# How TensorFlow's libraries begin what they say by themselves.
_LIBRARY = re.compile(r"[IWEF]\d{4} |WARNING: All log messages before absl")


def last_words(log: Path) -> str:
    """The sentence a stage ended with; of one that ended otherwise, the last line it wrote."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = own_lines(text)
    said = [line.removeprefix(SENTENCE) for line in lines if line.startswith(SENTENCE)]
    if said:
        return said[-1]
    return f"it ended after {lines[-1]!r}" if lines else "it ended without a word"


def last_line(log: Path) -> str:
    """The last line that the stage or the user's code wrote so far; empty: none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            own = own_lines(file.read().decode(errors="replace"))
    except OSError:
        return ""
    return own[-1][:120] if own else ""


def own_lines(text: str) -> list[str]:
    """What the stage or the user's code wrote, without empty lines and TensorFlow's own."""
    lines = text.splitlines()
    return [line.strip() for line in lines if line.strip() and not _LIBRARY.match(line)]


def place(stage: str) -> tuple[int, str]:
    """Where a stage stands in a list: those that measure first, in order."""
    return MEASURING.index(stage) if stage in MEASURING else len(MEASURING), stage


def counted(stages: Mapping[str, int]) -> str:
    """How many jobs each stage has, in a line."""
    return ", ".join(f"{stage} ({n})" if n > 1 else stage for stage, n in stages.items())


class Say(Protocol):
    """Takes a line for the terminal; `extra` is for who shows it, see `Progress`."""

    def __call__(self, line: str, **extra: object) -> object:
        """Say it."""
        ...


@dataclass(frozen=True)
class Running:
    """A job that has begun, in seconds since the epoch."""

    began: float
    logs: Sequence[str]
    outputs: Sequence[str]


@dataclass(frozen=True)
class Words:
    """What jobs are called, and what their first output says when they have ended."""

    label: Callable[[str, Mapping[str, str]], str]
    finding: Callable[[str, Path], str]


class Progress(logging.Handler):
    """Follows Snakemake's log events and says what has become of each job, and what is left.

    `say` is told with `live` who knows what a bar shows, `status`, and with `pulse` what is of no
    use beside one. `idle` is called when there is nothing to be done. `clock`: seconds since the
    epoch.
    """

    def __init__(
        self,
        words: Words,
        say: Say,
        idle: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._words, self._say, self._idle, self._clock = words, say, idle, clock
        self._jobs: dict[int, Job] = {}
        self._left, self._running = set[int](), dict[int, Running]()
        self._failed: dict[int, Sequence[str]] = {}
        # By Ctrl-C, which ends the jobs that run.
        self.is_interrupted = False
        self._expected: Callable[[], Mapping[int, float]] = dict
        self._seconds: Mapping[int, float] = {}
        self._reporting_since: float | None = None
        self._reported = Counter[str]()
        self._silent, self._ended = 0, threading.Event()

    def start(self, jobs: Mapping[int, Job], expected: Callable[[], Mapping[int, float]]) -> None:
        """Follow `jobs`, by id; `expected` gives the wall seconds that each adds to the run.

        It is asked again after the download, which alone tells how many images there are. Where it
        gives none, no time is said to be left.
        """
        self._jobs, self._left = dict(jobs), set(jobs)
        self._expected, self._seconds = expected, expected()
        threading.Thread(target=self._beat, daemon=True).start()

    def stop(self) -> None:
        """Say no more by itself."""
        self._ended.set()

    def emit(self, record: logging.LogRecord) -> None:
        """Note which job began; say what has become of one that ended."""
        event, facts = getattr(record, "event", None), record.__dict__
        if event == "job_info":
            self._begin(facts)
        elif event == "job_finished":
            # Snakemake has two names for the id of a job.
            self._finish(facts["job_id"])
        elif event == "job_error":
            self._fail(facts["jobid"], list(facts["log"]))
        elif event is None:
            self._hear(record.getMessage())

    def _hear(self, words: str) -> None:
        if words.startswith("Nothing to be done"):
            self._idle()
        elif words.startswith("Terminating processes on user request"):
            self.is_interrupted = True

    def _begin(self, facts: Mapping[str, Any]) -> None:
        id_, now = facts["jobid"], self._clock()
        self._silent = 0
        job = self._jobs.setdefault(id_, (facts["rule_name"], dict(facts["wildcards"] or {})))
        # It may be tried again, or have been made necessary by a checkpoint.
        self._left.add(id_)
        self._running[id_] = Running(now, list(facts["log"]), list(facts["output"]))
        if job[0] not in MEASURING and self._reporting_since is None:
            self._reporting_since = now

    def _finish(self, id_: int) -> None:
        self._silent = 0
        running = self._running.pop(id_, None)
        self._left.discard(id_)
        self._failed.pop(id_, None)
        if running is None:
            return
        stage, wildcards = self._jobs[id_]
        if stage == "download":
            self._seconds = self._expected()
        if stage in MEASURING:
            said = self._words.finding(stage, Path(running.outputs[0])) if running.outputs else ""
            name = self._words.label(stage, wildcards)
            self._tell(f"{name}: {said}" if said else name, running.began)
            return
        self._reported[stage] += 1
        if self._reporting_since is not None and not self._to_report():
            self._tell(counted(self._reported), self._reporting_since)
            self._reporting_since = None
            self._reported.clear()

    def _tell(self, words: str, began: float) -> None:
        spent = minutes(self._clock() - began)
        self._say(" · ".join([f"✓ {words}", spent, *self._place()]))

    def _fail(self, id_: int, logs: Sequence[str]) -> None:
        self._silent = 0
        self._running.pop(id_, None)
        if self.is_interrupted:
            return
        self._left.discard(id_)
        self._failed[id_] = logs
        for sentence in self._failure(id_):
            self._say(f"✗ {sentence}")

    def _to_report(self) -> bool:
        return any(self._jobs[id_][0] not in MEASURING for id_ in self._left)

    def _place(self) -> list[str]:
        """How many jobs are done, and what is left where that is known."""
        left = self.seconds_left()
        done = f"{len(self._jobs) - len(self._left)} of {len(self._jobs)}"
        return [done, f"{minutes(left)} left"] if left else [done]

    def seconds_left(self) -> float:
        """Expected wall seconds until the end; of a running job half is done on average."""
        halves = sum(self._seconds.get(id_, 0.0) / 2 for id_ in list(self._running))
        return sum(self._seconds.get(id_, 0.0) for id_ in list(self._left)) - halves

    def status(self) -> tuple[int, int, str]:
        """Jobs that are done, all jobs, and what runs; no jobs where no bar may be drawn."""
        running = list(self._running.items())
        if any(self._jobs[id_][0] in _OUTSPOKEN for id_, _ in running):
            return 0, 0, ""
        words = " · ".join([*self._place(), *(self._doing(*job) for job in running)])
        return len(self._jobs) - len(self._left), len(self._jobs), words

    def _doing(self, id_: int, job: Running) -> str:
        name = self._words.label(*self._jobs[id_])
        last = next((line for log in job.logs if (line := last_line(Path(log)))), "")
        return f"{name} ({last})" if last else name

    def remaining(self) -> str:
        """A sentence: how many jobs were done, and how many are left."""
        done, left = len(self._jobs) - len(self._left), len(self._left | self._failed.keys())
        return f"Jobs done: {done - len(self._failed)}, left: {left}."

    def failures(self) -> list[str]:
        """One line a job that failed and did not succeed when tried again."""
        return [sentence for id_ in self._failed for sentence in self._failure(id_)]

    def _failure(self, id_: int) -> Iterator[str]:
        """Its last words and where its log is."""
        name = self._words.label(*self._jobs.get(id_, ("a job", {})))
        for log in self._failed[id_] or ["no log"]:
            yield f"{name}: {last_words(Path(log))} ({log})"

    def beat(self) -> None:
        """Half a minute without news, a minute, two, …: say what runs."""
        running, silent = list(self._running.items()), self._silent
        self._silent += 1
        if running and silent and silent & (silent - 1) == 0:
            named = [
                f"{self._doing(id_, job)} for {minutes(self._clock() - job.began)}"
                for id_, job in running[:MOST_NAMED]
            ]
            more = len(running) - len(named)
            words = "; ".join([*named, *([f"{more} more"] if more else [])])
            self._say(f"Still running: {words}.", pulse=True)

    def _beat(self) -> None:
        while not self._ended.wait(PULSE_SECONDS):
            self.beat()
