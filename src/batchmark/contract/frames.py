"""Reading and writing the tables between the stages."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.contract.errors import UserError
from batchmark.contract.files import replacing
from batchmark.contract.tables import TABLES, kind


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write `{name}.csv` atomically: its columns in order, numbers with nine significant digits.

    A frame without rows needs no columns. KeyError: a frame that lacks one.
    """
    columns = list(TABLES[name])
    whole = frame[columns] if len(frame) else pd.DataFrame(columns=columns)
    with replacing(folder / f"{name}.csv") as scratch:
        # Nine digits: equal results give equal bytes whatever the last bits of a sum are.
        whole.to_csv(scratch, index=False, float_format="%.9g")


def read_table(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read `{name}.csv`; `columns` restricts it to those. Raises UserError when it is missing.

    Text stays text, whatever it looks like: a machine may be called 007 or nan.
    """
    path = folder / f"{name}.csv"
    # Else pandas makes a number of 007, and nothing of a machine called nan.
    texts = {column: "str" for column in TABLES[name] if kind(name, column) == "text"}
    try:
        return pd.read_csv(
            path, usecols=columns, dtype=texts, keep_default_na=False, na_values=[""]
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON table; UserError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error
