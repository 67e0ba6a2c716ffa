"""The published table, which the claims and a figure compare ours with."""

from importlib.resources import files

import pandas as pd


def published() -> pd.DataFrame:
    """The published table; see `published.md` for its source."""
    with (files("batchmark.analysis") / "published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)
