"""Gradient probes: the probed variant that figures show, and the moments of training."""

import pandas as pd

from batchmark.report.selection import at_home
from batchmark.report.tables import Tables

MOMENTS = {"initial": "at the start", "first_epoch": "after 1 epoch", "final": "at the end"}


def probe_rows(tables: Tables, name: str) -> pd.DataFrame:
    """A table's rows of one probed variant: the first without normalization, else the first."""
    frame = at_home(tables, name)
    if frame.empty:
        return frame
    return frame[frame["variant"] == shown_variant(tables, frame)]


def shown_variant(tables: Tables, frame: pd.DataFrame) -> str:
    """The id of the variant that stands for the probes."""
    summary = at_home(tables, "summary")
    plain = set(summary.loc[summary["normalization"] == "none", "variant"]) if len(summary) else ()
    probed = list(dict.fromkeys(frame["variant"]))
    return next((variant for variant in probed if variant in plain), probed[0])


def normalization_of(tables: Tables, variants: pd.Series) -> pd.Series:
    """The normalization of each variant id."""
    summary = at_home(tables, "summary").drop_duplicates("variant").set_index("variant")
    return variants.map(summary["normalization"]).fillna(variants)
