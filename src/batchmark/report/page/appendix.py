"""What stands at the end: machines, warnings, failures, environment, how to run it again."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import yaml

from batchmark.contract.requests.render import RenderRequest
from batchmark.privacy import scrubbed
from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant, whole
from batchmark.report.page import cells
from batchmark.report.page.downloads import csv_file
from batchmark.report.page.head import code_of, home_record
from batchmark.report.page.view import (
    Cautions,
    Cell,
    Fact,
    Facts,
    Failure,
    Reproduction,
    Table,
)
from batchmark.report.selection import headline_everywhere
from batchmark.report.tables import Tables
from batchmark.report.translation import Language

SEVERAL_PLACES = {"devices", "machines"}
MOST_FACTS = 60
# Between the keys of nested facts.
STEP = " · "
MACHINES = {
    "machine": "machine",
    "device": "device",
    "batch_size": "fastest batch size",
    "time_to_target": "time to target (s)",
    "seconds_per_epoch": "seconds per epoch",
}
KINDS: Mapping[str, Message] = {
    "drift": say("the machine's speed drifted between rounds"),
    "spread": say("times of the same step vary widely"),
    "outliers": say("some times lie far from the others"),
    "busy": say("other processes kept the cores busy"),
    "stolen": say("the host of the virtual machine took time for others"),
    "throttled": say("something slowed the processor or the GPU"),
    "slowed": say("the processor's frequency fell"),
    "rate_on_border": say("a tuned learning rate lies on the border of its grid"),
    "softmax_outputs": say("a model ends in probabilities, which are trained as logits"),
    "rescaled_pixels": say("a model rescales pixels that arrive in 0 to 1"),
    "trial_failed": say("a trial failed"),
    "code": say("not all results were made by one commit"),
}


def machines_table(tables: Tables, language: Language) -> Table:
    """The fastest batch size on every machine and device; empty with one of them only."""
    caption = language.text("The fastest batch size on each machine")
    frame = headline_everywhere(tables)
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.dropna(subset=["time_to_target"])
    best = frame.sort_values("time_to_target").drop_duplicates(["machine", "device"])
    if len(best) < 2:
        return Table(caption, [], [])
    columns = [Cell(language.text(name), numeric=k > 1) for k, name in enumerate(MACHINES.values())]
    rows = [_machine_row(row, language) for _, row in best.iterrows()]
    kept = best[list(MACHINES)]
    return Table(
        caption, columns, rows, csv_file("machines", [*MACHINES], kept.to_numpy().tolist())
    )


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
    """Missing runs and probes by variant, timing blocks by study, with the end of their log."""
    frame = tables.frame("failures").astype(object).fillna("")
    return [
        Failure(
            str(row["variant"] or row["studies"]),
            scrubbed(str(row["reason"])),
            scrubbed(str(row["log"])),
        )
        for _, row in frame.iterrows()
    ]


def cautions(tables: Tables, language: Language) -> Cautions:
    """Everything that makes a result less trustworthy: a sentence a study, and all of it."""
    frame = tables.frame("warnings").astype(object).fillna("").astype(str)
    if frame.empty:
        return Cautions([], Table("", [], []))
    sentences = [
        _caution(str(study), rows, language) for study, rows in frame.groupby("study", sort=False)
    ]
    columns = ["study", "subject", "text"]
    body = [[scrubbed(value) for value in row] for row in frame[columns].to_numpy().tolist()]
    heads = [Cell(language.text(name)) for name in ("study", "subject", "warning")]
    table = Table(
        language.text("All warnings, one by one"),
        heads,
        [[cells.text(value) for value in row] for row in body],
        csv_file("warnings", columns, body),
    )
    return Cautions(sentences, table)


def _caution(study: str, rows: pd.DataFrame, language: Language) -> str:
    """What the warnings of one study say, each kind once."""
    kinds = [KINDS.get(code) or Message(scrubbed(text)) for code, text in _first_of_each(rows)]
    told = dict.fromkeys(language.tell(kind) for kind in kinds)
    stop = language.text("; ")
    return language.tell(
        say("{study}: {warnings}.", study=_word(study, language), warnings=stop.join(told))
    )


def _first_of_each(rows: pd.DataFrame) -> list[tuple[str, str]]:
    first = rows.drop_duplicates("code")
    return list(zip(first["code"], first["text"].str.rstrip("."), strict=True))


def _word(name: str, language: Language) -> str:
    return language.label(name.replace("_", " "))


def environment(tables: Tables, language: Language) -> list[Facts]:
    """One list of facts for each machine and device."""
    return [
        Facts(place, [_told(*fact, language) for fact in _flat(_shown(record))][:MOST_FACTS])
        for place, record in tables.document("environment").items()
    ]


def _told(term: str, value: str, language: Language) -> Fact:
    words = [language.text(word) for word in term.split(STEP)]
    return Fact(STEP.join(words), language.text(scrubbed(value)))


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record, and of the timing what it does not repeat."""
    kept = {key: value for key, value in record.items() if key != "timings"}
    first = next(iter(record.get("timings", {}).values()), {})
    timed = _without(first.get("environment", {}), kept)
    sizes = [size for size in (first.get("largest_batch_size") or {}).values() if size]
    timed["peak_flops_per_second"] = first.get("peak_flops_per_second")
    timed["predicted_largest_batch_size"] = min(sizes) if sizes else None
    return kept | {"timing": timed}


def _without(record: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of nested mappings that `known` does not hold under the same keys."""
    left: dict[str, Any] = {}
    for key, value in record.items():
        told = known.get(key)
        if isinstance(value, Mapping):
            left[key] = _without(value, told if isinstance(told, Mapping) else {})
        elif value != told:
            left[key] = value
    return left


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _flat(value, f"{prefix}{STEP}{key}" if prefix else str(key))
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
    code = code_of(record)
    files = request.config_files
    overlays = [name for name in files if not name.endswith("config/config.yaml")]
    facts = {
        "git commit": code.get("commit"),
        "changed since that commit": code.get("dirty"),
        "lock file digest": request.lock_digest,
        "data digest": record.get("dataset", {}).get("digest"),
        "configuration files": ", ".join(files),
        "scale": request.scale,
    }
    return Reproduction(
        commands=_commands(code.get("commit"), overlays),
        facts=[
            Fact(language.text(term), _fact(value))
            for term, value in facts.items()
            if value not in (None, "")
        ],
        config=yaml.safe_dump(request.config, sort_keys=False, allow_unicode=True, width=88),
    )


def _commands(commit: Any, overlays: list[str]) -> str:
    checkout = [f"git checkout {commit}"] if commit else []
    given = f' ARGS="--configfile {" ".join(overlays)}"' if overlays else ""
    return "\n".join([*checkout, f"make report{given}"])


def unmeasured(names: list[str], language: Language) -> list[str]:
    """The names of figures without data, in words; that a place is alone is no lack."""
    return [_word(name, language) for name in names if name not in SEVERAL_PLACES]
