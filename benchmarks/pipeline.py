"""What the pipeline costs beside the work it exists for.

Run in a checkout with a finished run of the default scale:

    python benchmarks/pipeline.py

Aims: at least 88 % of core-seconds in training and timing; a no-op run takes at most 1.5 times as
long as an empty workflow with as many jobs; a changed style is a new report within 12 s; a dry run
on 10,000 variants takes at most 25 s and 500 MB. Exit status 1 if one is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "all"]
TEMPLATE = Path("workflow/report/style.css")
MEASURING = {"train", "probe", "time"}
PAUSE = 20.0
Span = tuple[str, float, float]
"""A job's rule, start and end (seconds)."""


@dataclass(frozen=True)
class Figure:
    """A measured number and the aim it is held against."""

    name: str
    value: float
    aim: float
    form: str
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    def __str__(self) -> str:
        limit = f"aim: at {'least' if self.at_least else 'most'} {self.form.format(self.aim)}"
        verdict = "pass" if self.holds else "MISS"
        return f"{verdict}: {self.name}: {self.form.format(self.value)} ({limit})"


def main() -> None:
    """Print every figure with its aim as it is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=10_000, help="variants of the dry run")
    parser.add_argument("--cores", type=int, default=available_cores(), help="of the finished run")
    parser.add_argument("--repeats", type=int, default=3)
    missed = 0
    for figure in figures(parser.parse_args()):
        print(figure, flush=True)
        missed += not figure.holds
    sys.exit(1 if missed else 0)


def figures(asked: argparse.Namespace) -> Iterator[Figure]:
    """All figures, one after the other."""
    share = share_of_work(asked.cores)
    yield Figure("core-seconds in train, probe and time", share, 0.88, "{:.0%}", at_least=True)
    mine, empty = noop_seconds(asked.repeats)
    name = f"no-op run of {mine:.1f} s over an empty workflow's {empty:.1f} s"
    yield Figure(name, mine / empty, 1.5, "{:.2f}")
    yield Figure("changed style to new report", restyle_seconds(), 12, "{:.1f} s")
    seconds, peak = many_variants(asked.variants)
    yield Figure(f"dry run of {asked.variants} variants", seconds, 25, "{:.1f} s")
    yield Figure("its memory", peak / 1e6, 500, "{:.0f} MB")


def available_cores() -> int:
    """Hardware threads that `snakemake --cores all` counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_of_work(cores: int) -> float:
    """Core-seconds of the measuring jobs over those of the whole last run that trained.

    Read from Snakemake's records of start and end; a timing session has all cores.
    """
    spans = last_run(
        {
            (job["rule"], job["starttime"], job["endtime"])
            for path in Path(".snakemake/metadata").rglob("*")
            if path.is_file() and (job := json.loads(path.read_text())).get("starttime")
        }
    )
    work = sum(
        (end - start) * (cores if rule == "time" else 1)
        for rule, start, end in spans
        if rule in MEASURING
    )
    whole = max(end for _, _, end in spans) - min(start for _, start, _ in spans)
    return work / (whole * cores)


def last_run(spans: Iterable[Span]) -> list[Span]:
    """The jobs of the last run that measured: no pause between them is longer than `PAUSE`.

    Records outlive the run they are of; a run works without a pause.
    """
    runs: list[list[Span]] = []
    until = float("-inf")
    for span in sorted(spans, key=lambda span: span[1]):
        if span[1] > until + PAUSE:
            runs.append([])
        runs[-1].append(span)
        until = max(until, span[2])
    return [run for run in runs if any(rule in MEASURING for rule, _, _ in run)][-1]


def noop_seconds(repeats: int) -> tuple[float, float]:
    """Median seconds of a run with nothing to do, and of an empty workflow with as many jobs."""
    jobs = len(list(Path("results").rglob("*.json"))) + len(list(Path("reports").rglob("*.svg")))
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        (empty / "Snakefile").write_text(EMPTY.format(jobs=jobs))
        _seconds(SNAKEMAKE, empty)
        pairs = [(_seconds(SNAKEMAKE, Path()), _seconds(SNAKEMAKE, empty)) for _ in range(repeats)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


EMPTY = """
rule all:
    input: expand("out/{{n}}", n=range({jobs}))
rule one:
    output: "out/{{n}}"
    shell: "touch {{output}}"
"""


def restyle_seconds() -> float:
    """Seconds from a changed style sheet to the new report; the change is taken back."""
    original = TEMPLATE.read_text(encoding="utf-8")
    try:
        TEMPLATE.write_text(original + "\n/* */\n", encoding="utf-8")
        return _seconds(SNAKEMAKE, Path())
    finally:
        TEMPLATE.write_text(original, encoding="utf-8")
        _seconds(SNAKEMAKE, Path())


def many_variants(count: int) -> tuple[float, int]:
    """Seconds and peak bytes of `snakemake -n` on a study with `count` variants."""
    rates = ", ".join(f"{0.001 * (n + 1):.3f}" for n in range(count // 10))
    sizes = "[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]"
    study = f"{{batch_size: {sizes}, learning_rate: [{rates}]}}"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as overlay:
        others = "".join(f"  {name.stem}: null\n" for name in Path("config/studies").glob("*.yaml"))
        others = others.replace("  batch_size: null\n", "")
        overlay.write(
            f"studies:\n{others}  batch_size:\n    grids: [{study}]\n"
            "    baseline: {batch_size: 10, learning_rate: 0.001}\n    probe: []\n    verify: []\n"
        )
        overlay.flush()
        return _seconds_and_peak([*SNAKEMAKE, "-n", "--quiet", "--configfile", overlay.name])


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def _seconds_and_peak(command: list[str]) -> tuple[float, int]:
    """Of a child alone: waiting for it tells its own high-water mark."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return time.perf_counter() - start, used.ru_maxrss * 1024


if __name__ == "__main__":
    main()
