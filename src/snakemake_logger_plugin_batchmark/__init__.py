"""Snakemake's terminal as a person wants it: what batchmark says, warnings, errors and a bar.

Snakemake finds it by the name of this package and is asked for it by `profiles/default`; its log
file has all the rest, and with VERBOSE=1 the terminal, too. Of a record that batchmark makes
(attribute `batchmark`), `live` returns jobs done, all jobs and what runs, for the bar, and `pulse`
marks what only those without a bar need.
"""

import logging
import os
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase

from batchmark.machine.terminal import is_plain, legible

# What Snakemake says of itself in every run; all else that it says is shown.
_CHATTER = re.compile(
    "Assuming unrestricted shared|host: |Building DAG of jobs|Using shell|Provided |Group jobs: |"
    "Select jobs to execute|Updating checkpoint dep|DAG of jobs will be|Config file .* extended by|"
    "Complete log|Elapsed time|Shutting down, this|Storing output|Finished retrieval|Touching |"
    "Removing |Loading trusted IOCache|Exiting because a job execution failed"
)
_EVENTS = {"error", "group_error"}
# Of a run that batchmark does not follow: a module's user may not call its hooks.
_EVENTS_UNFOLLOWED = _EVENTS | {"job_error", "progress"}
# Why a job failed says batchmark in its own words.
_JOB_FAILED = re.compile("RuleException:|WorkflowError:\nAt least one job did not complete")
# Around a sentence of ours: where `sentences` of our rules raised it helps nobody.
_REFUSED = re.compile(
    r'WorkflowError in file [^\n]*:\n(.*?)(?:\n  File "[^\n]*)*\n  File "[^\n]*, in sentences',
    re.DOTALL,
)
_COLOURS = {"✓": "green", "+": "green", "✗": "red", "x": "red"}
_BAR = 24
# It may list every file.
_REASON = 100


class LogHandler(LogHandlerBase):
    """Writes to the terminal, on standard error."""

    def __post_init__(self) -> None:
        """Find out what the terminal can show."""
        asked = self.common_settings
        details = (asked.verbose, asked.debug_dag, asked.printshellcmds)
        self._is_silent = bool(os.environ.get("VERBOSE")) or any(details)
        self._console = Console(
            file=_stream(sys.stdout if asked.stdout else sys.stderr),
            no_color=asked.nocolor or None,
            highlight=False,
            soft_wrap=True,
        )
        self._has_bar = self._console.is_terminal and not self._console.is_dumb_terminal
        self._bar: Live | None = None
        self._is_followed = self._is_counted = False
        self._said = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Print what is for a person; begin the bar."""
        if self._is_silent:
            return
        try:
            live = getattr(record, "live", None)
            if self._is_shown(record):
                self._print(record)
            if live is not None:
                self._follow(live)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
        super().close()

    def _is_shown(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "batchmark"):
            return not (self._has_bar and getattr(record, "pulse", False))
        event = getattr(record, "event", None)
        if self.common_settings.dryrun and event in ("run_info", "job_info"):
            # Snakemake counts the jobs before it lists them, and once more behind.
            is_news = event == "job_info" or not self._is_counted
            self._is_counted |= event == "run_info"
            return is_news
        if event == "error" and self._is_followed:
            return not _JOB_FAILED.match(record.getMessage())
        if event is not None:
            return event in (_EVENTS if self._is_followed else _EVENTS_UNFOLLOWED)
        words = record.getMessage()
        # Each job that ends while others do says so again.
        is_new = words not in self._said
        self._said.add(words)
        return is_new and not _CHATTER.match(words)

    def _print(self, record: logging.LogRecord) -> None:
        is_listed = getattr(record, "event", None) == "job_info"
        words = _listed(record.__dict__) if is_listed else self.format(record)
        if refused := _REFUSED.fullmatch(words):
            words = refused[1]
        if not words or words == "None":
            return
        colour = _COLOURS.get(words[0]) if words[1:2] == " " else None
        if record.levelno >= logging.WARNING:
            colour = "red" if record.levelno >= logging.ERROR else "yellow"
        text = Text(words)
        text.stylize(colour or "", 0, 1 if record.levelno < logging.WARNING else None)
        self._console.print(text)

    def _follow(self, status: Callable[[], tuple[int, int, str]]) -> None:
        self._is_followed = True
        if self._has_bar and self._bar is None:
            self._bar = Live(
                get_renderable=lambda: _drawn(*status()),
                console=self._console,
                refresh_per_second=2,
                transient=True,
            )
            self._bar.start()
            # A kill would leave the terminal without it.
            self._console.show_cursor(True)

    @property
    def writes_to_stream(self) -> bool:
        """Otherwise Snakemake writes there by itself."""
        return not self._is_silent

    @property
    def writes_to_file(self) -> bool:
        """Snakemake has a log file of its own."""
        return False

    @property
    def has_filter(self) -> bool:
        """Snakemake's, by which `--quiet` works."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Snakemake's."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Nothing is drawn of it."""
        return False


def _listed(job: Mapping[str, Any]) -> str:
    """A job of a dry run, and the first reason for it."""
    name = " ".join([job["rule_name"], *map(str, (job["wildcards"] or {}).values())])
    reason = str(job["reason"] or "asked for").partition(";")[0]
    return f"{name}: {textwrap.shorten(reason, _REASON, placeholder=' …')}"


def _drawn(done: int, total: int, words: str) -> Table | str:
    if not total:
        return ""
    grid = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=total, completed=done, width=_BAR)
    grid.add_row(bar, Text(legible(words), no_wrap=True, overflow="ellipsis"))
    return grid


def _stream(stream: TextIO) -> TextIO:
    """The stream, which writes ASCII where nothing else is shown."""
    if not is_plain():
        return stream
    return open(
        stream.fileno(), "w", encoding="ascii", errors="replace", buffering=1, closefd=False
    )
