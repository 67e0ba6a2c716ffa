"""Epochs to target over the learning rate for every normalization."""

from batchmark.report.drawn import Drawn
from batchmark.report.normalizations import draw_along
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """At the study's usual batch size and initial scale."""
    return draw_along(tables, "learning_rate", "learning rate", ["batch_size", "initializer_scale"])
