"""What the pipeline costs beside the work it exists for.

Run in a checkout with a finished run of the default scale:

    python benchmarks/pipeline.py

Prints the share of core-seconds spent in training and timing, the time of a no-op run against an
empty workflow with as many jobs, from a changed style to a new report, and of a dry run on many
variants.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "all"]
TEMPLATE = Path("workflow/report/style.css")


def main() -> None:
    """Parse the command line and print every figure asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=10_000, help="variants of the dry run")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    print(f"share of core-seconds in train, probe and time: {share_of_work():.0%}")
    mine, empty = noop_seconds(asked.repeats)
    print(f"no-op run: {mine:.1f} s, empty workflow: {empty:.1f} s, ratio {mine / empty:.2f}")
    print(f"changed style to new report: {restyle_seconds():.1f} s")
    seconds, peak = many_variants(asked.variants)
    print(f"dry run of {asked.variants} variants: {seconds:.1f} s, {peak / 2**20:.0f} MiB")


def share_of_work() -> float:
    """Core-seconds of the measuring jobs over those of the whole last complete run.

    Read from Snakemake's records of start and end; a timing block has all cores.
    """
    cores = os.cpu_count() or 1
    jobs = [
        json.loads(path.read_text())
        for path in Path(".snakemake/metadata").rglob("*")
        if path.is_file()
    ]
    spans = {
        (job["rule"], job["starttime"], job["endtime"]) for job in jobs if job.get("starttime")
    }
    work = sum(
        (end - start) * (cores if rule == "time" else 1)
        for rule, start, end in spans
        if rule in {"train", "probe", "time"}
    )
    whole = max(end for _, _, end in spans) - min(start for _, start, _ in spans)
    return work / (whole * cores)


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
            "    baseline: {batch_size: 10, learning_rate: 0.001}\n    probe: []\n"
        )
        overlay.flush()
        seconds = _seconds([*SNAKEMAKE, "-n", "--quiet", "--configfile", overlay.name], Path())
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
