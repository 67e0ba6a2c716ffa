"""What the results were made with: in the head of the page, and whole at its end."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

import pandas as pd
import yaml

from batchmark.contract.errors import scrubbed
from batchmark.contract.record import SAMPLE
from batchmark.contract.requests.render import ELSEWHERE, RenderRequest
from batchmark.dataset.local import KNOWN
from batchmark.report.language.messages import (
    Message,
    Text,
    joined,
    memory,
    say,
    significant,
    whole,
)
from batchmark.report.page import view
from batchmark.report.page.answer import setup
from batchmark.report.page.view import (
    Cell,
    Fact,
    Facts,
    Failure,
    Head,
    Reproduction,
    Table,
    Warnings,
    csv_file,
)
from batchmark.report.selection import (
    Tables,
    at_home,
    headline_everywhere,
    headline_rows,
    home,
)

Nested = Mapping[str, Any]


def head(tables: Tables, scale: str) -> Head:
    """What the home machine's records say about where the results come from."""
    record = home_record(tables)
    dataset = record.get("dataset", {})
    code = code_of(record)
    return Head(
        machine=_machine(record),
        dataset=_dataset(dataset),
        setup=setup(tables),
        date=_day(record.get("clock", {}).get("started", "")),
        scale=say("scale: {scale}", scale=Message(scale)),
        commit=(code.get("commit") or "")[:10],
        changed=bool(code.get("dirty")),
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


def _machine(record: Nested) -> list[Text]:
    """Processor, cores, memory and GPU; a timing session knows more of them than a run."""
    facts = _timing_environment(record).get("machine") or record.get("machine") or {}
    cores = record.get("cores") or facts.get("cores")
    size = facts.get("memory_bytes")
    gpus = facts.get("gpus") or [{}]
    parts = [
        facts.get("cpu") or record.get("processor") or "",
        say("{n} cores", n=cores) if cores else "",
        memory(size) if size else "",
        gpus[0].get("name") or record.get("gpu") or "",
    ]
    return [part for part in parts if part]


def _dataset(facts: Nested) -> Text:
    if not facts:
        return ""
    return say(
        "{name}: {train} training, {validation} validation, {test} test images",
        name=_title(str(facts["name"])),
        train=whole(facts["train"]),
        validation=whole(facts["validation"]),
        test=whole(facts["test"]),
    )


def _title(name: str) -> Message:
    return Message(KNOWN[name].title if name in KNOWN else name)


def _day(when: str) -> date | str:
    """The day, in UTC where `when` names its zone; what is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return when
    return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()


COLUMNS = {
    "study": say("study"),
    "subject": say("subject"),
    "device": say("device"),
    "threads": say("threads"),
    "batch_size": say("batch size"),
    "trace_seconds": say("tracing (s)"),
    "compile_seconds": say("compilation (s)"),
    "first_step_seconds": say("first step (s)"),
    "step_milliseconds": say("step (ms)"),
    "examples_per_second": say("examples per second"),
    "gigaflops": say("GFLOP/s"),
    "memory_megabytes": say("memory (MB)"),
}
"""Column of the frame and its head. A step: the median over the rounds, in steady state."""


def clock_table(tables: Tables) -> Table:
    """One row per study, timed graph and number of threads; empty where nothing was timed."""
    caption = say("What the clock read, for every graph that was timed")
    frame = at_home(tables, "threads")
    rows = [] if frame.empty else _readings(frame)[list(COLUMNS)].to_numpy(object).tolist()
    return view.plain_table("clock", caption, [str(head) for head in COLUMNS.values()], rows)


def _readings(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        study=frame["study"].str.replace("_", " "),
        device=frame["device"].str.upper(),
        step_milliseconds=1e3 * frame["batch_size"] / frame["examples_per_second"],
        gigaflops=frame["flops_per_second"] / 1e9,
        memory_megabytes=frame["peak_memory_bytes"] / 1e6,
    )


# Figures that compare places: most users have one.
SEVERAL_PLACES = {"devices", "machines"}
# Of one machine; results of others may hold anything.
MOST_FACTS = 60
# Between the keys of nested facts.
STEP = " · "
MACHINES = {
    "machine": say("machine"),
    "device": say("device"),
    "batch_size": say("fastest batch size"),
    "time_to_target": say("time to target (s)"),
    "seconds_per_epoch": say("seconds per epoch"),
}
KINDS: Mapping[str, Message] = {
    "drift": say("The machine's speed drifted between rounds"),
    "spread": say("Times of the same step vary widely"),
    "outliers": say("Some times lie far from the others"),
    "repeated": say("Some clock readings were repeated in a calmer moment"),
    "busy": say("Other processes kept the cores busy"),
    "stolen": say("The host of the virtual machine took time for others"),
    "throttled": say("Something slowed the processor or the GPU"),
    "slowed": say("The processor's frequency fell"),
    "rate_on_border": say("A tuned learning rate lies on the border of its grid"),
    "softmax_outputs": say("A model ends in probabilities, which are trained as logits"),
    "rescaled_pixels": say("A model rescales pixels that arrive in 0 to 1"),
    "unused_labels": say("Some class numbers never occur"),
    "sorted_classes": say("The training images are sorted by class"),
    "few_validation_images": say("Few validation images"),
    "black_pixels": say("Almost black images"),
    "many_channels": say("Few rows of pixels and many channels"),
    "fewer_images": say("Fewer training images than train_size asks for"),
    "hidden_state": say("A model draws random numbers that no seed determines"),
    "same_start": say("All trials of a model start from the same weights"),
    "trial_failed": say("A trial failed"),
    "code": say("Not all results were made by one commit"),
}


def machines_table(tables: Tables) -> Table:
    """The fastest batch size on every machine and device; empty with one of them only."""
    caption = say("The fastest batch size on each machine")
    frame = headline_everywhere(tables)
    if frame.empty:
        return Table(caption, [], [])
    frame = frame.dropna(subset=["time_to_target"])
    best = frame.sort_values("time_to_target").drop_duplicates(["machine", "device"])
    if len(best) < 2:
        return Table(caption, [], [])
    columns = [Cell(head, numeric=k > 1) for k, head in enumerate(MACHINES.values())]
    rows = [_machine_row(row) for _, row in best.iterrows()]
    kept = best[list(MACHINES)]
    return Table(
        caption, columns, rows, csv_file("machines", [*MACHINES], kept.to_numpy().tolist())
    )


def _machine_row(row: pd.Series) -> list[Cell]:
    size = row["batch_size"]
    return [
        view.text(str(row["machine"])),
        view.text(str(row["device"]).upper()),
        view.number(size, whole(size)),
        view.number(row["time_to_target"]),
        view.number(row["seconds_per_epoch"]),
    ]


def to_compare(tables: Tables) -> Table:
    """The answer's sizes, to stand beside another machine's; a row is found by its variant."""
    frame = headline_rows(tables)
    heads = [say("batch size"), MACHINES["time_to_target"], MACHINES["seconds_per_epoch"]]
    rows = [
        [
            Cell(whole(row["batch_size"]), str(row["variant"]), numeric=True),
            view.missed()
            if pd.isna(row["epochs_to_target"])
            else view.number(row["time_to_target"]),
            view.number(row["seconds_per_epoch"]),
        ]
        for _, row in frame.iterrows()
    ]
    return Table(say("This report's and the other's"), [Cell(head) for head in heads], rows)


def failures(tables: Tables) -> list[Failure]:
    """Missing runs and probes by variant, timing sessions by study, with the end of their log."""
    frame = tables.frame("failures").astype(object).fillna("")
    return [
        Failure(
            str(row["variant"] or row["studies"]),
            scrubbed(str(row["reason"])),
            scrubbed(str(row["log"])),
        )
        for _, row in frame.iterrows()
    ]


def warnings(tables: Tables) -> Warnings:
    """Everything that makes a result less trustworthy: a sentence a study, and all of it."""
    frame = tables.frame("warnings").astype(object).fillna("").astype(str)
    if frame.empty:
        return Warnings([], Table("", [], []))
    sentences = [_warning(rows) for _, rows in frame.groupby("code", sort=False)]
    columns = ["study", "subject", "text"]
    body = [[scrubbed(value) for value in row] for row in frame[columns].to_numpy().tolist()]
    heads = [Cell(head) for head in (say("study"), say("subject"), say("warning"))]
    table = Table(
        say("All warnings, one by one"),
        heads,
        [[view.text(value) for value in row] for row in body],
        csv_file("warnings", columns, body),
    )
    return Warnings(sentences, table)


def _warning(rows: pd.DataFrame) -> Message:
    """What the warnings of one kind say, once, and of which studies."""
    code, text = rows[["code", "text"]].iloc[0]
    warning = KINDS.get(code) or Message(scrubbed(text.rstrip(".")))
    studies = [_words(study) for study in rows["study"].unique() if study]
    if not studies:
        return say("{warning}.", warning=warning)
    return say("{warning} ({studies}).", warning=warning, studies=joined(studies))


def _words(name: str) -> Message:
    return Message(name.replace("_", " "))


def environment(tables: Tables) -> list[Facts]:
    """One list of facts for each machine and device."""
    return [
        Facts(place, [_stated(*fact) for fact in _flat(_shown(record))][:MOST_FACTS])
        for place, record in tables.document("environment").items()
    ]


def _stated(term: str, value: str) -> Fact:
    # Every word of a term is translated for itself; names of variables and packages are names.
    words = [Message(word) for word in term.split(STEP)]
    return Fact(joined(words, Message(f"{{one}}{STEP}{{two}}")), Message(scrubbed(value)))


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record, and of the timing what it does not repeat."""
    # Runs and timings of one machine agree in most; what is equal is shown once.
    kept = {key: value for key, value in record.items() if key != "timings"}
    first = next(iter(record.get("timings", {}).values()), {})
    timed = _without(first.get("environment", {}), kept)
    timed["peak_flops_per_second"] = first.get("peak_flops_per_second")
    return kept | {"timing": timed}


def _without(record: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of nested mappings that `known` does not hold under the same keys."""
    left: dict[str, Any] = {}
    for key, value in record.items():
        same = known.get(key)
        if isinstance(value, Mapping):
            left[key] = _without(value, same if isinstance(same, Mapping) else {})
        elif value != same:
            left[key] = value
    return left


# What is under these is named by others: packages and variables of the environment.
FOREIGN = {"versions", "switches"}


def _flat(content: Any, prefix: str = "", own: bool = True) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            word = str(key).replace("_", " ") if own else str(key)
            term = f"{prefix}{STEP}{word}" if prefix else word
            yield from _flat(value, term, own and key not in FOREIGN)
    elif isinstance(content, list) and any(isinstance(value, Mapping) for value in content):
        for number, value in enumerate(content, 1):
            yield from _flat(value, f"{prefix} {number}", own)
    elif content not in (None, "", [], {}):
        yield prefix, _fact(content)


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return significant(value, 4)
    if isinstance(value, int) and value >= 10_000:
        return whole(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# What the page shows, as a file of the reader's.
SAVED = "configuration.yaml"


def reproduction(request: RenderRequest, tables: Tables) -> Reproduction:
    """Commands, digests and the configuration, without paths of this machine."""
    record = home_record(tables)
    code = code_of(record)
    files = request.config_files
    # The base configuration is read by itself.
    overlays = [name for name in files if not name.endswith("config/config.yaml")]
    hidden = ELSEWHERE in overlays
    # What is shown holds what all of them say.
    overlays = [SAVED] if hidden else overlays
    options = f' ARGS="--configfile {" ".join(overlays)}"' if overlays else ""
    checkout = [f"git checkout {code['commit']}"] if code.get("commit") else []
    facts = [
        (say("git commit"), code.get("commit")),
        (say("lock file digest"), request.lock_digest),
        (say("data digest"), record.get("dataset", {}).get("digest")),
        *(
            (say("data digest of {name}", name=_title(name)), other["digest"])
            for name, other in record.get("other_datasets", {}).items()
        ),
        (say("configuration files"), ", ".join(files)),
        (say("scale"), request.scale),
    ]
    changed = say(
        "These results were made by code that was changed since that commit: a checkout of it "
        "gives the commit's, not these."
    )
    saved = say(
        "{file} is the configuration below, to be saved under this name: part of it lay outside of "
        "the clone.",
        file=SAVED,
    )
    return Reproduction(
        changed=changed if code.get("dirty") else "",
        saved=saved if hidden else "",
        commands="\n".join([*checkout, f"make report{options}"]),
        citation=_citation(request, record, str(code.get("commit") or "")),
        facts=[Fact(term, _fact(value)) for term, value in facts if value not in (None, "")],
        config=yaml.safe_dump(request.config, sort_keys=False, allow_unicode=True, width=88),
    )


# As in CITATION.cff, which does not come with the package.
TITLE = (
    "batchmark: a reproducible benchmark of batch size, optimizer, momentum, weight decay and "
    "normalization"
)


def _citation(request: RenderRequest, record: Mapping[str, Any], commit: str) -> str:
    """BibTeX of the software and of this report."""
    day = _day(record.get("clock", {}).get("started", ""))
    digest = str(record.get("dataset", {}).get("digest", ""))[:12]
    made = [
        f"{request.scale} scale",
        commit and f"commit {commit[:10]}",
        digest and f"data {digest}",
    ]
    software = {
        "title": TITLE,
        "author": "{The batchmark developers}",
        "version": version("batchmark"),
    }
    report = {
        "title": "Which batch size should I train with? A report",
        "note": f"Made with batchmark: {', '.join(filter(None, made))}",
        "date": str(day),
    }
    return _bibtex("software", "batchmark", software) + _bibtex("misc", "batchmark-report", report)


def _bibtex(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}\n}}\n"


def unmeasured(names: list[str]) -> list[Message]:
    """The names of figures without data, in words; that a place is alone is no lack."""
    return [_words(name) for name in names if name not in SEVERAL_PLACES]
