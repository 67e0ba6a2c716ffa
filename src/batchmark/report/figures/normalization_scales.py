"""Epochs to target over the initial scale of the weights for every normalization."""

from batchmark.report.drawn import Drawn
from batchmark.report.normalizations import draw_along
from batchmark.report.tables import Tables


def draw(tables: Tables) -> Drawn | None:
    """At the study's usual batch size and learning rate."""
    return draw_along(tables, "initializer_scale", "initial scale", ["batch_size", "learning_rate"])
