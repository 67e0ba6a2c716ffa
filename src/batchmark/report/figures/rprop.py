"""Best validation error of Rprop, RMSprop and SGD, from mini-batches to the full batch."""

from batchmark.report import curves
from batchmark.report.comparison import any_drawn, described, numbers, panel, trials_note
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant
from batchmark.report.selection import measured, optimizer_names, study_summary
from batchmark.report.tables import Tables

COLUMNS = {
    "name": "optimizer",
    "batch_size": "batch size",
    "trials": "trials",
    "status": "status",
    "best_validation_error": "best validation error (%)",
    "best_epoch": "best epoch",
}


def draw(tables: Tables) -> Drawn | None:
    """One curve an optimizer; the full batch stands at the right."""
    frame = study_summary(tables, "rprop")
    if not measured(frame, "best_validation_error"):
        return None
    frame = frame.assign(
        name=optimizer_names(frame), best_validation_error=100 * frame["best_validation_error"]
    )
    lines = curves.by_group(frame, "name", "best_validation_error")
    if not any_drawn(lines):
        return None
    return Drawn(
        panel(lines, "best validation error (%)", missing="cannot converge"),
        _title(lines),
        described(lines, "best validation error (%)"),
        numbers(frame, COLUMNS),
        [trials_note(frame)],
        curves.series(lines),
    )


def _title(lines: list[Curve]) -> Message | None:
    line = next((one for one in lines if one.name == "rprop"), None)
    if line is None or len(line.drawn) < 2:
        return None
    return say(
        "Rprop ends at {full} % error on the full batch and at {mini} % on mini-batches",
        full=significant(line.drawn["y"].iloc[-1]),
        mini=significant(line.drawn["y"].iloc[0]),
    )
