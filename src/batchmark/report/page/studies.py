"""One section a study: question, finding, figures, caveats, all its variants."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from batchmark.contract.requests.render import StudyForReport
from batchmark.report import selection
from batchmark.report.catalogue import of_study
from batchmark.report.language.messages import (
    Message,
    joined,
    memory,
    percents,
    say,
    significant,
)
from batchmark.report.language.translation import Language
from batchmark.report.page import view
from batchmark.report.page.explorer import code_of, is_said
from batchmark.report.page.view import Cell, Figure, Study, Table, csv_file
from batchmark.report.selection import (
    Tables,
    at_home,
    fate,
    headline_study,
    lowest,
    measured,
    study_summary,
)

STRENGTHS = say("Strengths of different penalties are not comparable with each other.")
# What names a setting where nothing differs.
USUAL = ["batch_size"]
# About time alone: their trials belong to other studies.
TIMED = {"device", "loops"}


def caveats(study: str, rows: pd.DataFrame) -> list[Message]:
    """What the study leaves open, as far as its own rows tell."""
    if rows.empty or study in TIMED:
        return []
    limits = list(_fixed_rate(rows))
    if study == "regularization":
        limits.append(STRENGTHS)
    return limits


def _fixed_rate(rows: pd.DataFrame) -> Iterator[Message]:
    """One rate for things that may each want their own."""
    rates = rows["learning_rate"].dropna().unique()
    compared = [axis for axis in ("batch_size", "momentum") if rows[axis].nunique() > 1]
    if len(rates) == 1 and compared:
        yield say(
            "Everything at learning rate {rate}: what each does at a rate of its own is not "
            "measured here.",
            rate=significant(rates[0]),
        )


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
    best = None if words.name in {headline, *TIMED} else _fastest(rows)
    return Study(
        name=words.name,
        question=language.chosen(words.question) or words.name,
        description=language.chosen(words.description),
        finding="" if words.name == headline else _finding(shown),
        figures=shown,
        caveats=caveats(words.name, rows),
        variants=variants_table(words.name, rows, tables),
        fastest="" if best is None else _named(best, rows),
        code=None if best is None else code_of(best),
    )


def _fastest(rows: pd.DataFrame) -> "pd.Series | None":
    """The row with the least median time to the target, if one has any."""
    timed = measured(rows, "time_to_target")
    return lowest(rows, "time_to_target") if timed else None


def _named(row: pd.Series, rows: pd.DataFrame) -> Message:
    return say(
        "Copy the settings that were fastest by medians: {settings}",
        settings=_in_words(row, [key for key in _varying(rows) if is_said(row, key)] or USUAL),
    )


def _varying(rows: pd.DataFrame) -> list[str]:
    """The settings that differ, or else the batch size."""
    differing = [
        key for key in selection.SETTINGS if key in rows and rows[key].nunique(dropna=False) > 1
    ]
    return differing or USUAL


def _in_words(row: pd.Series, axes: Sequence[str]) -> Message:
    words = [
        say("{axis} {value}", axis=selection.SETTINGS[key], value=_setting(row[key]).text)
        for key in axes
    ]
    return joined(words)


def _finding(shown: Sequence[Figure]) -> str:
    """The first finding, unless it stands as a title right below."""
    if shown and shown[0].found:
        return ""
    return next((figure.title for figure in shown if figure.found), "")


def variants_table(name: str, rows: pd.DataFrame, tables: Tables) -> Table:
    """One row a variant; only the settings that differ have a column."""
    caption = say("All variants of this study")
    if rows.empty:
        return Table(caption, [], [])
    rows = rows.drop_duplicates("variant")
    varying = _varying(rows)
    against = _against_baseline(name, tables, rows)
    numeric = set(rows.select_dtypes("number").columns)
    columns = [
        *(Cell(selection.SETTINGS[key], numeric=key in numeric) for key in varying),
        *(Cell(result.head, numeric=True) for result in RESULTS),
        *([] if against.empty else [_against_what(against, varying)]),
    ]
    body = [
        [
            *(_setting(row[key]) for key in varying),
            *(result.cell(row) for result in RESULTS),
            *([] if against.empty else [_ratio(against, row)]),
        ]
        for _, row in rows.iterrows()
    ]
    results = [column for result in RESULTS for column in result.columns if column in rows]
    kept = ["variant", *varying, *results]
    download = csv_file(f"study-{name}", kept, rows[kept].itertuples(index=False))
    return Table(caption, columns, body, download)


def _against_baseline(study: str, tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """The study's paired ratios of time to its main target, which comes first, by variant.

    With the `base`'s settings; empty where the base itself did not get there or was not timed.
    """
    frame = at_home(tables, "comparisons")
    if frame.empty:
        return frame
    frame = frame[(frame["study"] == study) & (frame["metric"] == "time_to_target")]
    base = rows[rows["variant"].isin(frame["baseline"]) & rows["time_to_target"].notna()]
    if base.empty:
        return frame.iloc[:0]
    return frame.drop_duplicates("variant").set_index("variant").assign(**base.iloc[0])  # pyrefly: ignore


def _against_what(against: pd.DataFrame, varying: Sequence[str]) -> Cell:
    """The head of the ratios: what they are over."""
    base = against.iloc[0]
    head = say("time to target, over that of: {settings}", settings=_in_words(base, varying))
    return Cell(head, numeric=True)


def _ratio(against: pd.DataFrame, row: pd.Series) -> Cell:
    """The ratio with its interval; greyed when it cannot be told from 1.

    Nothing where training did not arrive or nothing was timed, a bound where some trial of one side
    did not arrive.
    """
    if row["variant"] not in against.index or pd.isna(row["time_to_target"]):
        return view.text("")
    pair = against.loc[row["variant"]]
    larger, smaller = bool(pair["high_unbounded"]), pair["low"] == 0
    if larger and smaller:
        return view.text("")
    if larger or smaller:
        words = "at least {ratio}" if larger else "at most {ratio}"
        bound = float(pair["low" if larger else "high"])
        return Cell(say(words, ratio=significant(bound, 2)), repr(bound), numeric=True)
    cell = view.ranged(pair["estimate"], pair["low"], pair["high"], 2)
    if cell.muted or bool(pair["distinguishable"]):
        return cell
    doubt = say("not told from 1")
    under = Message("{interval} {doubt}", {"interval": cell.under, "doubt": doubt})
    return replace(cell, muted=True, under=under if cell.under else doubt)


def _setting(value: object) -> Cell:
    if isinstance(value, bool | np.bool_):
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
        if pd.isna(row["epochs_to_target"]):
            return view.missed(fate(row) or view.NOT_REACHED)
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


def _error(column: str) -> Callable[[pd.Series], Cell]:
    """A cell of an error in percent, or why training ended before it could be one."""

    def cell(row: pd.Series) -> Cell:
        ended = fate(row)
        return view.missed(ended) if ended else _written(column, percents)(row)

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
        _error("best_validation_error"),
    ),
    Result(
        say("final test error (%)"),
        ("final_test_error",),
        _error("final_test_error"),
    ),
    Result(say("peak memory"), ("peak_memory_bytes",), _written("peak_memory_bytes", memory)),
)
