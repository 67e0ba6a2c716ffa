"""The title line: machine, dataset, date, scale, commit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from batchmark.report.messages import Message, say
from batchmark.report.numbers import memory, whole
from batchmark.report.page.view import Head
from batchmark.report.phrases import threads
from batchmark.report.selection import headline_rows, home, measured
from batchmark.report.tables import Tables
from batchmark.report.translation import Language
from batchmark.results.schema import SAMPLE

Nested = Mapping[str, Any]


def head(tables: Tables, scale: str, language: Language) -> Head:
    """What the home machine's records say about where the results come from."""
    record = home_record(tables)
    dataset = record.get("dataset", {})
    sample = dataset.get("name") == SAMPLE
    when = found(record, "started") or found(record, "date")
    return Head(
        machine=", ".join(part for part in (_machine(record, language), *_timed(tables, language))),
        dataset=_dataset(dataset, language),
        date=_day(str(when), language) if when else "",
        scale=language.tell(say("scale: {scale}", scale=Message(scale))),
        commit=_commit(record, language),
        sample=sample,
    )


def home_record(tables: Tables) -> Nested:
    """The environment of the machine and device that the answer is about."""
    return tables.document("environment").get("/".join(home(tables)), {})


def found(record: Any, key: str) -> Any:
    """The first value under `key` anywhere in nested mappings, None without one."""
    if not isinstance(record, Mapping):
        return None
    if record.get(key) not in (None, "", [], {}):
        return record[key]
    return next((hit for value in record.values() if (hit := found(value, key)) is not None), None)


def _machine(record: Nested, language: Language) -> str:
    cores = found(record, "cores")
    size = found(record, "memory_bytes")
    gpus = found(record, "gpus")
    parts = [
        str(found(record, "cpu") or found(record, "processor") or ""),
        language.tell(say("{n} cores", n=cores)) if cores else "",
        memory(float(size)) if isinstance(size, int | float) else "",
        str(gpus[0].get("name", "")) if isinstance(gpus, list) and gpus else "",
    ]
    return ", ".join(part for part in parts if part)


def _timed(tables: Tables, language: Language) -> list[str]:
    """With how many threads the answer's epochs were timed."""
    rows = headline_rows(tables)
    if not measured(rows, "threads"):
        return []
    count = rows["threads"].dropna().max()
    return [language.tell(say("timed with {threads}", threads=threads(count)))]


def _dataset(facts: Nested, language: Language) -> str:
    if not facts:
        return ""
    return language.tell(
        say(
            "{name}: {train} training, {validation} validation, {test} test images",
            name=Message("MNIST" if facts["name"] == "mnist" else str(facts["name"])),
            train=whole(facts["train"]),
            validation=whole(facts["validation"]),
            test=whole(facts["test"]),
        )
    )


def _day(when: str, language: Language) -> str:
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return when
    return language.day(moment.astimezone(UTC).date() if moment.tzinfo else moment.date())


def _commit(record: Nested, language: Language) -> str:
    commit = found(record, "commit")
    if not commit:
        return ""
    short = str(commit)[:10]
    return f"{short}, {language.text('changed')}" if found(record, "dirty") else short
