"""One section a study: question, finding, figures, advice, caveats, all its variants."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from batchmark.contract.requests.render import StudyForReport
from batchmark.report import names
from batchmark.report.catalogue import of_study
from batchmark.report.numbers import memory, significant
from batchmark.report.page import advice, cells
from batchmark.report.page.downloads import csv_file
from batchmark.report.page.view import Cell, Download, Figure, Study, Table
from batchmark.report.selection import at_home, headline_study, study_summary
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

SETTINGS = {
    "model": "model",
    "optimizer": "optimizer",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "momentum": "momentum",
    "nesterov": "Nesterov",
    "normalization": "normalization",
    "weight_decay": "weight decay",
    "l1": "L1",
    "l2": "L2",
    "dropout": "dropout",
    "initializer_scale": "initial scale",
    "train_size": "training images",
}
RESULTS = (
    "trials that reached it",
    "epochs to target",
    "seconds per epoch",
    "time to target (s)",
    "best validation error (%)",
    "final test error (%)",
    "peak memory",
)


def study_section(
    words: StudyForReport, tables: Tables, figures: Mapping[str, Figure], language: Language
) -> Study:
    """Everything about one study in the page's language."""
    rows = study_summary(tables, words.name)
    headline = headline_study(tables)
    shown = [figures[name] for name in of_study(figures, words.name, headline)]
    main = figures.get("time_to_target") if words.name == headline else None
    return Study(
        name=words.name,
        question=_said(words.question, language) or words.name,
        description=_said(words.description, language),
        finding=_finding(main, shown),
        figures=shown,
        advice=[language.tell(one) for one in advice.advice(words.name)],
        caveats=[language.tell(one) for one in advice.caveats(words.name, rows)],
        variants=variants_table(words.name, rows, tables, language),
    )


def _finding(main: Figure | None, shown: Sequence[Figure]) -> str:
    """The first finding, unless it stands as a title right below."""
    if main is None and shown and shown[0].found:
        return ""
    return next((one.title for one in [main, *shown] if one and one.found), "")


def variants_table(name: str, rows: pd.DataFrame, tables: Tables, language: Language) -> Table:
    """One row a variant; only the settings that differ have a column."""
    caption = language.text("All variants of this study")
    if rows.empty:
        return Table(caption, [], [])
    rows = rows.drop_duplicates("variant")
    varying = [key for key in SETTINGS if key in rows and rows[key].nunique(dropna=False) > 1]
    varying = varying or ["batch_size"]
    columns = [
        *(Cell(language.text(SETTINGS[key]), numeric=_is_numeric(rows[key])) for key in varying),
        *(Cell(language.text(name), numeric=True) for name in RESULTS),
    ]
    against = _against_baseline(name, tables)
    columns.append(Cell(language.text("time to target, against the baseline"), numeric=True))
    body = [
        [
            *(_setting(row[key], language) for key in varying),
            *_results(row, language),
            _ratio(against, row["variant"], language),
        ]
        for _, row in rows.iterrows()
    ]
    return Table(caption, columns, body, _csv(name, rows, varying))


def _against_baseline(study: str, tables: Tables) -> pd.DataFrame:
    """The study's paired ratios of time to its main target, which comes first, by variant."""
    frame = at_home(tables, "comparisons")
    if frame.empty:
        return frame
    frame = frame[(frame["study"] == study) & (frame["metric"] == "time_to_target")]
    return frame.drop_duplicates("variant").set_index("variant")


def _ratio(against: pd.DataFrame, variant: str, language: Language) -> Cell:
    """The ratio with its interval; greyed when it cannot be told from 1."""
    if variant not in against.index:
        return cells.text("")
    row = against.loc[variant]
    cell = cells.ranged(row["estimate"], row["low"], row["high"], language)
    if cell.muted or bool(row["distinguishable"]):
        return cell
    doubt = language.text("not distinguishable")
    return replace(cell, muted=True, under=f"{cell.under} {doubt}".strip())


def _said(words: Mapping[str, str], language: Language) -> str:
    return words.get(language.code) or words.get("en", "")


def _is_numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and values.dtype != bool


def _setting(value: object, language: Language) -> Cell:
    if isinstance(value, bool):
        return cells.text(language.text("yes" if value else "no"))
    if isinstance(value, int | float):
        return cells.number(value, language)
    return cells.text("" if value is None else language.text(names.name(str(value))))


def _results(row: pd.Series, language: Language) -> Sequence[Cell]:
    return [
        Cell(
            f"{int(row['reached'])}/{int(row['trials'])}",
            str(row["reached"] / max(1, row["trials"])),
            numeric=True,
        ),
        _to_target(row, "epochs_to_target", language),
        _ranged(row, "seconds_per_epoch", language),
        _to_target(row, "time_to_target", language),
        _error(row["best_validation_error"], language),
        _error(row["final_test_error"], language),
        _memory(row.get("peak_memory_bytes", math.nan), language),
    ]


def _to_target(row: pd.Series, column: str, language: Language) -> Cell:
    if row["status"] in ("diverged", "not_learning"):
        return cells.missed(language, "cannot converge")
    if row["status"] in ("oversized", "failed"):
        return cells.missed(language, str(row["status"]))
    if pd.isna(row["epochs_to_target"]):
        return cells.missed(language)
    return _ranged(row, column, language)


def _ranged(row: pd.Series, column: str, language: Language) -> Cell:
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    return cells.ranged(row[column], low, high, language)


def _error(share: float, language: Language) -> Cell:
    return cells.number(
        share, language, significant(100 * share) if not math.isnan(share) else None
    )


def _memory(value: float, language: Language) -> Cell:
    return cells.number(value, language, memory(value) if not math.isnan(value) else None)


def _csv(name: str, rows: pd.DataFrame, varying: Sequence[str]) -> Download:
    results = [
        "trials",
        "reached",
        "status",
        "epochs_to_target",
        "epochs_to_target_low",
        "epochs_to_target_high",
        "seconds_per_epoch",
        "time_to_target",
        "time_to_target_low",
        "time_to_target_high",
        "best_validation_error",
        "best_test_error",
        "final_test_error",
        "peak_memory_bytes",
    ]
    kept = ["variant", *varying, *(column for column in results if column in rows)]
    return csv_file(f"study-{name}", kept, rows[kept].itertuples(index=False))
