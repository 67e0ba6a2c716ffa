"""What submitting many short runs to Slurm costs, one by one, as job arrays, or in groups.

    python benchmarks/grouping.py --runs 500 --seconds 60 --slots 64

Runs on a cluster from its head node; where there is none, on the two-node Slurm of
`tests/cluster/slurm.sh`. A run sleeps instead of training, so that only what surrounds it counts:
per run, the seconds of a reserved core beyond its work, and the whole time against the ideal.
"""

import argparse
import getpass
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SLURM = Path(__file__).parents[1] / "tests" / "cluster" / "slurm.sh"
SHARED = Path("scratch")
SNAKEFILE = """\
RUNS = range(int(config["runs"]))

rule all:
    input: expand("done/{run}", run=RUNS)

rule run:
    output: "done/{run}"
    threads: 1
    resources: mem_mb=400, runtime=10
    shell: "sleep {config[seconds]} && touch {output}"
"""


def _ways(size: int) -> dict[str, list[str]]:
    """Options of Snakemake by what they are called here."""
    return {
        "one job a run": [],
        # More to an array, and version 2.8.0 of the plugin writes a script that fails.
        "job arrays": ["--slurm-array-jobs", "run", "--slurm-array-limit", "50"],
        f"groups of {size}": ["--groups", "run=batch", "--group-components", f"batch={size}"],
    }


@dataclass(frozen=True)
class Cost:
    """Of one way: jobs submitted, wall seconds, core seconds that Slurm reserved."""

    jobs: int
    wall: float
    reserved: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0, help="of work in a run")
    parser.add_argument("--slots", type=int, default=4, help="cores that run at once")
    parser.add_argument("--group", type=int, default=2, help="runs of a group, side by side")
    parser.add_argument("--partition", default="main")
    parser.add_argument("--only", default="", help="ways whose names contain this")
    asked = parser.parse_args()
    ideal = asked.seconds * asked.runs / asked.slots
    print(f"{asked.runs} runs of {asked.seconds:g} s on {asked.slots} cores, ideal {ideal:.0f} s")
    print(f"{'way':15} {'jobs':>5} {'wall s':>7} {'of ideal':>9} {'core s beyond work, a run':>26}")
    with _slurm(asked.slots):
        for way, options in _ways(asked.group).items():
            if asked.only not in way:
                continue
            cost = _measure(asked, options, patience=300 + 4 * ideal)
            if cost is None:
                print(f"{way:15} not finished in {300 + 4 * ideal:.0f} s", flush=True)
                continue
            beyond = cost.reserved / asked.runs - asked.seconds
            share = cost.wall / ideal
            print(
                f"{way:15} {cost.jobs:5} {cost.wall:7.0f} {share:8.2f}x {beyond:26.1f}", flush=True
            )


@contextmanager
def _slurm(slots: int) -> Iterator[None]:
    """The cluster's Slurm, or one of our own with so many cores for as long as it is needed."""
    if Path("/etc/slurm/slurm.conf").exists():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True) as folder:
        subprocess.run([SLURM, "start", folder, str(-(-slots // 2))], check=True)
        os.environ["SLURM_CONF"] = f"{folder}/slurm.conf"
        os.environ["PATH"] = f"{folder}/bin{os.pathsep}{os.environ['PATH']}"
        try:
            yield
        finally:
            subprocess.run([SLURM, "stop", folder], check=True)


def _measure(asked: argparse.Namespace, options: list[str], patience: float) -> Cost | None:
    """The cost of one way; None, and its jobs cancelled, when it takes longer than `patience` s."""
    # Not the system's folder for such things: the nodes of a cluster share this one.
    SHARED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="grouping", dir=SHARED) as folder:
        (Path(folder) / "Snakefile").write_text(SNAKEFILE)
        before = set(_reserved())
        begun = time.monotonic()
        try:
            done = _run(asked, options, folder, patience)
        except subprocess.TimeoutExpired:
            subprocess.run(["scancel", "--user", getpass.getuser()], check=True)
            return None
        wall = time.monotonic() - begun
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        jobs = {job: cost for job, cost in _reserved().items() if job not in before}
        return Cost(len(jobs), wall, sum(jobs.values()))


def _run(
    asked: argparse.Namespace, options: list[str], folder: str, patience: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--executor", "slurm", "--jobs", "1000",
         "--cores", str(asked.slots), "--slurm-status-command", "squeue", "--slurm-no-account",
         "--slurm-init-seconds-before-status-checks", str(max(4, int(asked.seconds))),
         "--default-resources", f"slurm_partition={asked.partition}",
         "--config", f"runs={asked.runs}", f"seconds={asked.seconds}", *options],
        cwd=folder, timeout=patience, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _reserved() -> dict[str, float]:
    """Core seconds by job."""
    rows = subprocess.run(
        ["scontrol", "show", "job", "-o"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    told = [dict(re.findall(r"(\S+?)=(\S*)", row)) for row in rows if row.startswith("JobId=")]
    return {job["JobId"]: _seconds(job["RunTime"]) * int(job["NumCPUs"]) for job in told}


def _seconds(clock: str) -> float:
    days, _, rest = clock.rpartition("-")
    hours, minutes, seconds = (int(part) for part in rest.split(":"))
    return int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds


if __name__ == "__main__":
    main()
