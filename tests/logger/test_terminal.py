"""The logger plugin on records as Snakemake and batchmark make them."""

import io
import logging
import sys
from typing import Any

import pytest
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

from snakemake_logger_plugin_batchmark import LogHandler


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VERBOSE", "NO_COLOR", "FORCE_COLOR", "TERM", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def _handler(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **asked: object) -> LogHandler:
    monkeypatch.setattr(sys, "stderr", stream)
    settings = MockOutputSettings()
    settings.printshellcmds = False
    for name, value in asked.items():
        setattr(settings, name, value)
    handler = LogHandler(settings, None)
    handler.setFormatter(DefaultFormatter())
    return handler


def _tell(handler: LogHandler, message: str, level: str = "INFO", **extra: object) -> None:
    fields = {"msg": message, "levelname": level, "levelno": getattr(logging, level)}
    handler.handle(logging.makeLogRecord({**fields, **extra}))


def _run(handler: LogHandler) -> None:
    """The start of a run, a finished job, a pulse, Snakemake's own words, a warning, an error."""
    _tell(handler, "Building DAG of jobs...")
    _tell(handler, "2 jobs: train (2).", batchmark=True, live=lambda: (1, 2, "1 of 2 · sgd"))
    _tell(handler, "Select jobs to execute...")
    _tell(handler, "rule train:", event="job_info")
    _tell(handler, "✓ sgd: 98 % [0] · 1 of 2", batchmark=True)
    _tell(handler, "Still running: sgd.", batchmark=True, pulse=True)
    _tell(handler, "Error in rule train:", "ERROR", event="job_error")
    _tell(handler, "RuleException:\nCalledProcessError", "ERROR", event="error")
    _tell(handler, "Will exit after finishing currently running jobs (scheduler).")
    _tell(handler, "The flag is deprecated.", "WARNING")
    _tell(handler, "Will exit after finishing currently running jobs (scheduler).")
    _tell(handler, "No such file.", "ERROR", event="error")
    handler.close()


SAID = """\
2 jobs: train (2).
✓ sgd: 98 % [0] · 1 of 2
Still running: sgd.
Will exit after finishing currently running jobs (scheduler).
The flag is deprecated.
No such file.
"""


def test_snakemake_finds_it_without_an_installation() -> None:
    assert LoggerPluginRegistry().is_installed("batchmark")


def test_a_pipe_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    _run(_handler(monkeypatch, stream))
    assert stream.getvalue() == SAID


def test_a_dumb_terminal_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    _run(_handler(monkeypatch, stream, nocolor=True))
    assert stream.getvalue() == SAID


def test_a_terminal_gets_colours_and_a_bar_that_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    _run(_handler(monkeypatch, stream))
    words = stream.getvalue()
    assert "\x1b[32m✓\x1b[0m sgd: 98 % [0] · 1 of 2" in words
    assert "1 of 2 · sgd" in words
    assert "━" in words
    assert "Still running" not in words
    # Erased, and the cursor is there, whenever the process is killed.
    assert words.rstrip().endswith("\x1b[2K") or words.endswith("\x1b[?25h")
    assert words.index("\x1b[?25h") < words.index("✓")


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    handler = _handler(monkeypatch, stream)
    _tell(handler, "✓ sgd", batchmark=True)
    _tell(handler, "No such file.", "ERROR", event="error")
    assert stream.getvalue() == "✓ sgd\nNo such file.\n"


FRAMES = """
  File "/a/workflow/rules/common.smk", line 33, in <module>
  File "/a/lib/contextlib.py", line 158, in __exit__
  File "/a/workflow/rules/common.smk", line 30, in """


@pytest.mark.parametrize(("function", "is_ours"), [("sentences", True), ("other", False)])
def test_a_sentence_of_ours_stands_alone(
    monkeypatch: pytest.MonkeyPatch, function: str, is_ours: bool
) -> None:
    stream = io.StringIO()
    head, sentence = 'WorkflowError in file "/a/common.smk", line 30:\n', "c.yaml: epochs = 0: no."
    words = f"{head}{sentence}{FRAMES}{function}"
    _tell(_handler(monkeypatch, stream), words, "ERROR", event="error")
    assert stream.getvalue() == f"{sentence if is_ours else words}\n"


@pytest.mark.parametrize("asked", [{"verbose": True}, {"printshellcmds": True}, {}])
def test_snakemake_speaks_for_itself_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, bool]
) -> None:
    if not asked:
        monkeypatch.setenv("VERBOSE", "1")
    stream = io.StringIO()
    handler = _handler(monkeypatch, stream, **asked)
    _run(handler)
    assert (handler.writes_to_stream, stream.getvalue()) == (False, "")


def test_a_run_that_batchmark_does_not_follow_shows_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    handler = _handler(monkeypatch, stream)
    _tell(handler, "Job stats:", event="run_info")
    _tell(handler, "", event="progress", done=1, total=2)
    assert stream.getvalue() == "1 of 2 steps (50%) done\n"


def test_a_dry_run_tells_what_would_run_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    handler = _handler(monkeypatch, stream, dryrun=True)
    _tell(handler, "Job stats:", event="run_info")
    jobs: list[dict[str, Any]] = [
        {"rule_name": "train", "wildcards": {"device": "cpu", "variant": "a"}, "reason": "New; b"},
        {"rule_name": "report", "wildcards": None, "reason": ""},
    ]
    for job in jobs:
        _tell(handler, "rule:", event="job_info", **job)
    _tell(handler, "Job stats:", event="run_info")
    _tell(handler, "This was a dry-run (flag -n).")
    assert stream.getvalue() == (
        "Job stats:\ntrain cpu a: New\nreport: asked for\nThis was a dry-run (flag -n).\n"
    )


class TestContract(TestLogHandlerBase):
    """What Snakemake asks of every plugin."""

    __test__ = True

    def get_log_handler_cls(self) -> type[LogHandlerBase]:
        return LogHandler

    def get_log_handler_settings(self) -> None:  # type: ignore[override]
        return None
