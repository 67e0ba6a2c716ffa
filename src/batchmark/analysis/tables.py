"""The tables between the stages: CSV files with a header even when there is no row."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchmark.errors import UserError
from batchmark.results.atomic import replacing, write_json

_TEXT = dict.fromkeys(
    ("machine", "device", "variant", "study", "studies", "subject", "role", "variants", "status",
     "message", "model", "optimizer", "normalization", "activation", "pooling", "initializer",
     "dataset", "dataset_digest", "moment", "layer", "gradient_norms", "quantile", "missing"),
    "string",
)  # fmt: skip


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table atomically, numbers with nine significant digits."""
    with replacing(path) as scratch:
        frame.to_csv(scratch, index=False, float_format="%.9g")


def frame_of(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A data frame that has its columns even without rows."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))


def read_table(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read `{name}.csv`; `columns` restricts it to those. Raises UserError when it is missing."""
    path = folder / f"{name}.csv"
    try:
        return pd.read_csv(
            path, usecols=columns, dtype={k: v for k, v in _TEXT.items() if _wanted(k, columns)}
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error


def read_json_table(path: Path) -> dict[str, Any]:
    """Read a JSON table; UserError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error


def write_json_table(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON table atomically."""
    write_json(path, content)


def where(frame: pd.DataFrame, **keys: str) -> pd.DataFrame:
    """The rows whose columns have the given values."""
    chosen = pd.Series(True, index=frame.index)
    for column, value in keys.items():
        chosen &= frame[column] == value
    return frame[chosen.astype(bool)]


def _wanted(column: str, columns: list[str] | None) -> bool:
    return columns is None or column in columns
