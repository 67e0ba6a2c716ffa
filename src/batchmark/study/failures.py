"""Which jobs of a run failed, and the last words that each left in its log."""

import logging
from collections.abc import Iterator
from pathlib import Path

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
