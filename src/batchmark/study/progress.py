"""What a run says while it goes on: jobs done and running, and when it is expected to end.

Snakemake's own log tells which job began and ended; this adds the time that is left.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping

from batchmark.study.expectation import minutes


class Progress(logging.Handler):
    """Follows Snakemake's log events and says after each job how far the run has come.

    `expected` gives the wall seconds that each job, by its id, is expected to add to the run. It is
    asked again when one of the `revealing` jobs has ended: only the download tells how many images
    there are. A job that is running counts half. `say` takes a sentence, `clock` gives seconds
    since the epoch.
    """

    def __init__(
        self,
        expected: Callable[[], Mapping[int, float]],
        revealing: Collection[int],
        say: Callable[[str], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._expected, self._revealing = expected, revealing
        self._left, self._running = dict(expected()), set[int]()
        self._total, self._say, self._clock = len(self._left), say, clock

    def emit(self, record: logging.LogRecord) -> None:
        """Note which job began; when one has ended, say what is left."""
        event = getattr(record, "event", None)
        if event == "job_info":
            self._running.add(record.__dict__["jobid"])
        elif event in ("job_finished", "job_error"):
            self._end(record.__dict__["job_id" if event == "job_finished" else "jobid"])

    def _end(self, job: int) -> None:
        self._running.discard(job)
        if job in self._revealing:
            fresh = self._expected()
            self._left = {one: fresh[one] for one in self._left}
        if self._left.pop(job, None) is not None and self._left:
            self._say(self.sentence())

    def sentence(self) -> str:
        """One line: jobs done, running, and the expected end."""
        halves = sum(self._left.get(job, 0.0) / 2 for job in self._running)
        left = sum(self._left.values()) - halves
        end = time.strftime("%H:%M", time.localtime(self._clock() + left))
        done = self._total - len(self._left)
        return (
            f"{done} of {self._total} jobs done, {len(self._running)} running, "
            f"about {minutes(left)} left: until {end}."
        )
