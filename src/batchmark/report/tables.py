"""The tables of `results/tables/`, read when first needed."""

from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.contract.frames import read_document, read_table


class Tables:
    """One folder of tables. A table that does not exist reads as an empty frame."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._frames: dict[str, pd.DataFrame] = {}
        self._documents: dict[str, dict[str, Any]] = {}

    def frame(self, name: str) -> pd.DataFrame:
        """The table `{name}.csv`, shared by all who ask for it."""
        if name not in self._frames:
            exists = (self.folder / f"{name}.csv").exists()
            self._frames[name] = read_table(self.folder, name) if exists else pd.DataFrame()
        return self._frames[name]

    def document(self, name: str) -> dict[str, Any]:
        """The document `{name}.json`, empty when it does not exist."""
        if name not in self._documents:
            path = self.folder / f"{name}.json"
            self._documents[name] = read_document(path) if path.exists() else {}
        return self._documents[name]
