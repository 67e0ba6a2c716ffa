"""What stands at the end: machines, warnings, failures, environment, how to run it again."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import yaml

from batchmark.report.numbers import significant, whole
from batchmark.report.page import cells
from batchmark.report.page.head import found, home_record
from batchmark.report.page.view import Cell, Fact, Facts, Failure, Reproduction, Table
from batchmark.report.privacy import scrubbed, scrubbed_values
from batchmark.report.selection import headline_everywhere
from batchmark.report.tables import Tables
from batchmark.report.translation import Language
from batchmark.study.requests import RenderRequest

MOST_FACTS = 60


def machines_table(tables: Tables, language: Language) -> Table:
    """The fastest batch size on every machine and device, seconds marked as theirs."""
    caption = language.text("The fastest batch size on each machine")
    frame = headline_everywhere(tables)
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.dropna(subset=["time_to_target"])
    best = frame.sort_values("time_to_target").drop_duplicates(["machine", "device"])
    names = ("machine", "device", "fastest batch size", "time to target (s)", "seconds per epoch")
    columns = [Cell(language.text(name), numeric=k > 1) for k, name in enumerate(names)]
    return Table(caption, columns, [_machine_row(row, language) for _, row in best.iterrows()])


def _machine_row(row: pd.Series, language: Language) -> list[Cell]:
    size = row["batch_size"]
    return [
        cells.text(str(row["machine"])),
        cells.text(str(row["device"]).upper()),
        cells.number(size, language, whole(size)),
        cells.number(row["time_to_target"], language),
        cells.number(row["seconds_per_epoch"], language),
    ]


def failures(tables: Tables) -> list[Failure]:
    """Variants without a result, with the end of their log."""
    frame = tables.frame("failures").fillna("")
    return [
        Failure(str(row["variant"]), scrubbed(str(row["reason"])), scrubbed(str(row["log"])))
        for _, row in frame.iterrows()
    ]


def warnings_table(tables: Tables, language: Language) -> Table:
    """Everything that makes a result less trustworthy."""
    caption = language.text("Warnings raised by this run")
    frame = tables.frame("warnings").fillna("")
    columns = [Cell(language.text(name)) for name in ("study", "subject", "warning")]
    rows = [
        [
            cells.text(str(row["study"])),
            cells.text(str(row["subject"])),
            cells.text(scrubbed(str(row["text"]))),
        ]
        for _, row in frame.iterrows()
    ]
    return Table(caption, columns, rows)


def environment(tables: Tables) -> list[Facts]:
    """One list of facts for each machine and device."""
    return [
        Facts(
            place, [Fact(key, scrubbed(value)) for key, value in _flat(_shown(record))][:MOST_FACTS]
        )
        for place, record in tables.document("environment").items()
    ]


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without the raw state before and after every timing block."""
    kept = {key: value for key, value in record.items() if key != "timings"}
    timings = record.get("timings", {})
    first = next(iter(timings.values()), {})
    kept["timing"] = {
        key: first.get(key)
        for key in ("environment", "peak_flops_per_second", "largest_batch_size")
        if first.get(key)
    }
    return kept


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _flat(value, f"{prefix} · {key}" if prefix else str(key))
    elif isinstance(content, list) and any(isinstance(one, Mapping) for one in content):
        for number, value in enumerate(content, 1):
            yield from _flat(value, f"{prefix} {number}")
    elif content not in (None, "", [], {}):
        yield prefix.replace("_", " "), _fact(content)


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return significant(value, 4)
    if isinstance(value, int) and value >= 10_000:
        return whole(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def reproduction(request: RenderRequest, tables: Tables, language: Language) -> Reproduction:
    """Commands, digests and the configuration, without paths of this machine."""
    record = home_record(tables)
    files = [scrubbed(name) for name in request.config_files]
    overlays = [name for name in files if not name.endswith("config/config.yaml")]
    facts = {
        "git commit": found(record, "commit"),
        "changed since that commit": found(record, "dirty"),
        "lock file digest": request.lock_digest,
        "data digest": record.get("dataset", {}).get("digest"),
        "configuration files": ", ".join(files),
        "scale": request.scale,
    }
    return Reproduction(
        commands=_commands(found(record, "commit"), overlays),
        facts=[
            Fact(language.text(term), _fact(value))
            for term, value in facts.items()
            if value not in (None, "")
        ],
        config=yaml.safe_dump(
            scrubbed_values(request.config), sort_keys=False, allow_unicode=True, width=88
        ),
    )


def _commands(commit: Any, overlays: list[str]) -> str:
    checkout = [f"git checkout {commit}"] if commit else []
    if overlays:
        return "\n".join(
            [
                *checkout,
                "make .venv",
                ". .venv/bin/activate",
                f"snakemake --cores all --configfile {' '.join(overlays)}",
            ]
        )
    return "\n".join([*checkout, "make report"])


def unmeasured(names: list[str], language: Language) -> list[str]:
    """The names of figures without data, in words."""
    return [language.label(name.replace("_", " ")) for name in names]
