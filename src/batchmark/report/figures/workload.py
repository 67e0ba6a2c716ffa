"""Time to target on other workloads: training sets of other sizes, other models."""

from collections.abc import Sequence

from batchmark.report import curves
from batchmark.report.comparison import TIME, Comparison, fastest
from batchmark.report.curves import Curve
from batchmark.report.drawn import Drawn
from batchmark.report.messages import Message, say
from batchmark.report.numbers import whole
from batchmark.report.selection import lowest, study_summary
from batchmark.report.tables import Tables


def train_size(tables: Tables) -> Drawn | None:
    """Time to target for every size of the training set, light for large."""
    return Comparison(
        group=lambda frame, value: curves.by_level(frame, "train_size", value, whole),
        quantity=TIME,
        columns={"train_size": "training images"} | TIME.columns,
        title=_best_sizes,
    ).draw(study_summary(tables, "train_size"))


def _best_sizes(lines: Sequence[Curve]) -> Message | None:
    reached = [line for line in lines if not line.drawn.empty]
    if len(reached) < 2:
        return None
    least, most = reached[0], reached[-1]
    return say(
        "The fastest batch size is {least} on {few} images and {most} on {many}",
        least=whole(lowest(least.drawn, "y")["x"]),
        few=least.label,
        most=whole(lowest(most.drawn, "y")["x"]),
        many=most.label,
    )


def model(tables: Tables) -> Drawn | None:
    """Time to target for every model."""
    return Comparison(
        group=lambda frame, value: curves.by_group(frame, "model", value),
        quantity=TIME,
        columns={"model": "model"} | TIME.columns,
        title=fastest,
        right=122,
    ).draw(study_summary(tables, "model"))
