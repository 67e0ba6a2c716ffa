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
    started = record.get("clock", {}).get("started", "")
    return Head(
        machine=", ".join(part for part in (_machine(record, language), *_timed(tables, language))),
        dataset=_dataset(dataset, language),
        date=_day(started, language) if started else "",
        scale=language.tell(say("scale: {scale}", scale=Message(scale))),
        commit=_commit(record, language),
        sample=dataset.get("name") == SAMPLE,
    )


def home_record(tables: Tables) -> Nested:
    """The environment of the machine and device that the answer is about.

    That of its runs (versions, switches, processor, cores), `dataset`, `clock` and, by study,
    `timings`, each with the environment of its session. Without runs, that of a timing session.
    """
    return tables.document("environment").get("/".join(home(tables)), {})


def code_of(record: Nested) -> Nested:
    """The `commit` that timed or ran, and whether it was `dirty`; empty outside a checkout."""
    return _timing_environment(record).get("code") or record.get("code") or {}


def _timing_environment(record: Nested) -> Nested:
    """What the first timing session says of its software and machine; empty without one."""
    return next(iter(record.get("timings", {}).values()), {}).get("environment", {})


def _machine(record: Nested, language: Language) -> str:
    """Processor, cores, memory and GPU; a timing session knows more of them than a run."""
    facts = _timing_environment(record).get("machine") or record.get("machine") or {}
    cores = record.get("cores") or facts.get("cores")
    size = facts.get("memory_bytes")
    gpus = facts.get("gpus") or [{}]
    parts = [
        facts.get("cpu") or record.get("processor") or "",
        language.tell(say("{n} cores", n=cores)) if cores else "",
        memory(size) if size else "",
        gpus[0].get("name") or "",
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
    code = code_of(record)
    short = (code.get("commit") or "")[:10]
    return f"{short}, {language.text('changed')}" if short and code.get("dirty") else short
