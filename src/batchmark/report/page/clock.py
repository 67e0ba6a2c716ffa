"""What the clock read for every training graph: before training, at first, and in steady state."""

import pandas as pd

from batchmark.report.page import cells
from batchmark.report.page.view import Table
from batchmark.report.selection import at_home
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

COLUMNS = {
    "study": "study",
    "subject": "subject",
    "device": "device",
    "threads": "threads",
    "batch_size": "batch size",
    "trace_seconds": "tracing (s)",
    "compile_seconds": "compilation (s)",
    "first_step_seconds": "first step (s)",
    "step_milliseconds": "step (ms)",
    "examples_per_second": "examples per second",
    "gigaflops": "GFLOP/s",
    "memory_megabytes": "memory (MB)",
}
"""Column of the frame and its head. A step: the median over the rounds, in steady state."""


def clock_table(tables: Tables, language: Language) -> Table:
    """One row per study, timed graph and number of threads; empty where nothing was timed."""
    caption = language.text("What the clock read, for every graph that was timed")
    frame = at_home(tables, "threads")
    rows = [] if frame.empty else _readings(frame)[list(COLUMNS)].to_numpy(object).tolist()
    return cells.plain_table("clock", caption, list(COLUMNS.values()), rows, language)


def _readings(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        study=frame["study"].str.replace("_", " "),
        device=frame["device"].str.upper(),
        step_milliseconds=1e3 * frame["batch_size"] / frame["examples_per_second"],
        gigaflops=frame["flops_per_second"] / 1e9,
        memory_megabytes=frame["peak_memory_bytes"] / 1e6,
    )
