"""The tables of `results/tables/`, read when first needed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

KEYS = ["machine", "device", "variant"]


class Tables:
    """One folder of tables. A table that does not exist reads as an empty frame."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frame = cache(self._frame)
        self.document = cache(self._document)

    def _frame(self, name: str) -> pd.DataFrame:
        """The table `{name}.csv`."""
        path = self.folder / f"{name}.csv"
        if not path.exists() or path.stat().st_size <= 1:
            return pd.DataFrame()
        return pd.read_csv(path)

    def _document(self, name: str) -> dict[str, Any]:
        """The document `{name}.json`, empty when it does not exist."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
