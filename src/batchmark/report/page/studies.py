"""One section a study: question, finding, figures, advice, caveats, all its variants."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from batchmark.contract.requests.render import StudyForReport
from batchmark.report import selection
from batchmark.report.catalogue import of_study
from batchmark.report.language.messages import Message, memory, percents, say
from batchmark.report.language.translation import Language
from batchmark.report.page import answer, view
from batchmark.report.page.view import Cell, Figure, Study, Table, csv_file
from batchmark.report.selection import Tables, at_home, headline_study, study_summary

# Why training of a status has no value to show.
UNREACHED: Mapping[str, Message] = {
    "diverged": say("cannot converge"),
    "not_learning": say("cannot converge"),
    "oversized": say("oversized"),
    "failed": say("failed"),
}


@dataclass(frozen=True)
class Result:
    """One measured column of the table: its head, what of the summary it holds, and its cells.

    The downloaded table has all of `columns`, as they are in the summary.
    """

    head: Message
    columns: Sequence[str]
    cell: Callable[[pd.Series], Cell]


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
        question=language.chosen(words.question) or words.name,
        description=language.chosen(words.description),
        finding=_finding(main, shown),
        figures=shown,
        advice=answer.advice(words.name),
        caveats=answer.caveats(words.name, rows),
        variants=variants_table(words.name, rows, tables),
    )


def _finding(main: Figure | None, shown: Sequence[Figure]) -> str:
    """The first finding, unless it stands as a title right below."""
    if main is None and shown and shown[0].found:
        return ""
    return next((figure.title for figure in [main, *shown] if figure and figure.found), "")


def variants_table(name: str, rows: pd.DataFrame, tables: Tables) -> Table:
    """One row a variant; only the settings that differ have a column."""
    caption = say("All variants of this study")
    if rows.empty:
        return Table(caption, [], [])
    rows = rows.drop_duplicates("variant")
    varying = [
        key for key in selection.SETTINGS if key in rows and rows[key].nunique(dropna=False) > 1
    ]
    varying = varying or ["batch_size"]
    against = _against_baseline(name, tables)
    numeric = set(rows.select_dtypes("number").columns)
    columns = [
        *(Cell(selection.SETTINGS[key], numeric=key in numeric) for key in varying),
        *(Cell(result.head, numeric=True) for result in RESULTS),
        Cell(say("time to target, against the baseline"), numeric=True),
    ]
    body = [
        [
            *(_setting(row[key]) for key in varying),
            *(result.cell(row) for result in RESULTS),
            _ratio(against, row["variant"]),
        ]
        for _, row in rows.iterrows()
    ]
    measured = [column for result in RESULTS for column in result.columns if column in rows]
    kept = ["variant", *varying, *measured]
    download = csv_file(f"study-{name}", kept, rows[kept].itertuples(index=False))
    return Table(caption, columns, body, download)


def _against_baseline(study: str, tables: Tables) -> pd.DataFrame:
    """The study's paired ratios of time to its main target, which comes first, by variant."""
    frame = at_home(tables, "comparisons")
    if frame.empty:
        return frame
    frame = frame[(frame["study"] == study) & (frame["metric"] == "time_to_target")]
    return frame.drop_duplicates("variant").set_index("variant")


def _ratio(against: pd.DataFrame, variant: str) -> Cell:
    """The ratio with its interval; greyed when it cannot be told from 1."""
    if variant not in against.index:
        return view.text("")
    row = against.loc[variant]
    high = math.inf if row["high_unbounded"] else row["high"]
    cell = view.ranged(row["estimate"], row["low"], high)
    if cell.muted or bool(row["distinguishable"]):
        return cell
    doubt = say("not distinguishable")
    under = Message("{interval} {doubt}", {"interval": cell.under, "doubt": doubt})
    return replace(cell, muted=True, under=under if cell.under else doubt)


def _setting(value: object) -> Cell:
    if isinstance(value, bool):
        return view.text(view.YES if value else view.NO)
    if isinstance(value, int | float):
        return view.number(value)
    return view.text("" if value is None else Message(selection.name(str(value))))


def _reached(row: pd.Series) -> Cell:
    reached, trials = int(row["reached"]), int(row["trials"])
    return Cell(f"{reached}/{trials}", str(reached / max(1, trials)), numeric=True)


def _to_target(column: str) -> Callable[[pd.Series], Cell]:
    """A cell of `column`, or why there is no value."""

    def cell(row: pd.Series) -> Cell:
        if row["status"] in UNREACHED or pd.isna(row["epochs_to_target"]):
            return view.missed(UNREACHED.get(row["status"], view.NOT_REACHED))
        return _timed(column)(row)

    return cell


def _timed(column: str) -> Callable[[pd.Series], Cell]:
    """A cell of a `column` that is empty only where nothing was timed."""

    def cell(row: pd.Series) -> Cell:
        return view.missed(say("not timed")) if pd.isna(row[column]) else _ranged(column)(row)

    return cell


def _ranged(column: str) -> Callable[[pd.Series], Cell]:
    """A cell of `column` with its interval."""

    def cell(row: pd.Series) -> Cell:
        low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
        return view.ranged(row[column], low, high)

    return cell


def _written(column: str, write: Callable[[float], str]) -> Callable[[pd.Series], Cell]:
    """A cell of `column` as `write` writes its number."""

    def cell(row: pd.Series) -> Cell:
        value = float(row.get(column, math.nan))
        return view.number(value, None if math.isnan(value) else write(value))

    return cell


def _interval(column: str) -> tuple[str, str, str]:
    return column, f"{column}_low", f"{column}_high"


RESULTS = (
    Result(say("trials that reached it"), ("trials", "reached", "status"), _reached),
    Result(say("epochs to target"), _interval("epochs_to_target"), _to_target("epochs_to_target")),
    Result(say("seconds per epoch"), _interval("seconds_per_epoch"), _timed("seconds_per_epoch")),
    Result(say("time to target (s)"), _interval("time_to_target"), _to_target("time_to_target")),
    Result(
        say("best validation error (%)"),
        ("best_validation_error", "best_test_error"),
        _written("best_validation_error", percents),
    ),
    Result(
        say("final test error (%)"),
        ("final_test_error",),
        _written("final_test_error", percents),
    ),
    Result(say("peak memory"), ("peak_memory_bytes",), _written("peak_memory_bytes", memory)),
)
