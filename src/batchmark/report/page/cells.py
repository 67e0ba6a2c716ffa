"""Values as table cells."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from batchmark.report.numbers import interval, significant, whole
from batchmark.report.page.downloads import csv_file
from batchmark.report.page.view import Cell, Table
from batchmark.report.translation import Language


def text(value: str) -> Cell:
    """A cell that sorts as text."""
    return Cell(value, value)


def number(value: Any, language: Language, written: str | None = None) -> Cell:
    """A right-aligned number of at most three digits; nothing becomes n/a, infinity a miss."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell(language.text("n/a"), "", numeric=True, muted=True)
    if math.isinf(value):
        return missed(language)
    return Cell(written or significant(float(value)), repr(float(value)), numeric=True)


def ranged(value: Any, low: Any, high: Any, language: Language) -> Cell:
    """A number with its interval on a second line."""
    cell = number(value, language)
    if cell.muted or any(bound is None or math.isnan(bound) for bound in (low, high)):
        return cell
    return Cell(cell.text, cell.key, numeric=True, under=interval(float(low), float(high)))


def missed(language: Language, reason: str = "not reached") -> Cell:
    """A result that does not exist because training never got there; sorts last."""
    return Cell(language.text(reason), "inf", numeric=True, muted=True)


def plain_table(
    name: str,
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    language: Language,
) -> Table:
    """A table of raw values: texts as they are, numbers rounded; downloads keep six digits."""
    kept = [list(row) for row in rows]
    numeric = [_numeric([row[k] for row in kept]) for k in range(len(columns))]
    return Table(
        caption,
        [
            Cell(_head(column, language), numeric=flag)
            for column, flag in zip(columns, numeric, strict=True)
        ],
        [
            [_cell(value, flag, language) for value, flag in zip(row, numeric, strict=True)]
            for row in kept
        ],
        csv_file(name, columns, kept) if kept else None,
    )


def _head(column: str, language: Language) -> str:
    return whole(int(column)) if column.isdigit() else language.label(column)


def _numeric(values: Sequence[Any]) -> bool:
    return not any(isinstance(value, str) and value not in ("inf", "-inf") for value in values)


def _cell(value: Any, numeric: bool, language: Language) -> Cell:
    if isinstance(value, bool):
        return text(language.text("yes" if value else "no"))
    if isinstance(value, str) and not numeric:
        return text(language.label(value))
    if value is None and not numeric:
        return text("")
    return number(float(value) if isinstance(value, str) else value, language)
