"""The workflow on a real Slurm, in one run to which everything happens that happens to clusters."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.lab import Job, Lab
from tests.workflow.checkout import MICRO, Checkout, Configured
from tests.workflow.jobs import figures
from tests.workflow.running import eventually, follow, running, said

# A run that has every accident, one after the other; those beside it are the finished run's.
VICTIM = "mlp-adam-"
# Of all results; what is made of them is made here and not by Slurm.
TABLE = "results/tables/trials.csv"
PROFILE = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "4"]


@dataclass(frozen=True)
class Survivor:
    """A finished run, what Slurm remembers of it, and the victim's checkpoints at each accident."""

    checkout: Checkout
    jobs: list[Job]
    checkpoints: list[dict[Path, int]]

    def jobs_of(self, rule: str) -> list[Job]:
        """A rule's jobs in order of submission."""
        return [job for job in self.jobs if rule in job.comment]


@pytest.fixture(scope="module")
def survivor(lab: Lab, finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """A run in which a job is cancelled, its next attempt hits its limit, and a node dies."""
    folder = tmp_path_factory.mktemp("slurm")
    # A second session, which may not be beside the first.
    config = folder / "two-sessions.yaml"
    config.write_text(MICRO.read_text().replace("rounds: 0", "rounds: 3"))
    checkout = Configured(folder / "checkout", config)
    shutil.copytree(finished.folder, checkout.folder)
    _forget_all_but_the_calm(checkout, finished)
    _put_gates(checkout, finished)
    with running(checkout, TABLE, *PROFILE) as snakemake:
        checkpoints = list(_strikes(lab, checkout.folder, snakemake))
        eventually(lambda: snakemake.poll() is not None, lab.progress)
        assert snakemake.returncode == 0, said(checkout)
    return Survivor(checkout, lab.jobs(), checkpoints)


def _forget_all_but_the_calm(checkout: Checkout, finished: Checkout) -> None:
    """As in a new clone, into which other runs came with the data that they were made of."""
    for made in (".snakemake", "results", "reports", "logs", "scratch"):
        shutil.rmtree(checkout.folder / made)
    runs = "results/local/cpu/runs"
    calm = shutil.ignore_patterns(f"{VICTIM}*")
    shutil.copytree(finished.folder / runs, checkout.folder / runs, ignore=calm)


# An attempt waits with all of its steps trained and saved, and its result not written: for good.
GATED = """\
    for gate in sorted(Path("gates").glob(f"*{path.name}")):
        gate.rename(gate.with_suffix(".reached")).read_bytes()
"""


def _put_gates(checkout: Checkout, finished: Checkout) -> None:
    """A pipe to which nobody writes for each accident, so that no attempt can end before it."""
    start = '    """Write a file atomically."""\n'
    checkout.edit("src/batchmark/contract/files.py", start, start + GATED)
    (run,) = finished.folder.glob(f"results/local/cpu/runs/{VICTIM}*.json")
    (checkout.folder / "gates").mkdir()
    for number in range(3):
        os.mkfifo(checkout.folder / "gates" / f"{number}-{run.name}")


def _strikes(
    lab: Lab, folder: Path, snakemake: subprocess.Popen[bytes]
) -> Iterator[dict[Path, int]]:
    """Let each attempt have its accident at its gate; yields the times of the checkpoints then."""
    for number, strike in enumerate((_cancel, _exceed_limit, _kill_node)):
        reached = f"gates/{number}-*.reached"
        follow(snakemake, lambda name=reached: list(folder.glob(name)), lab.progress)
        saved = folder.glob(f"scratch/cpu/{VICTIM}*/trial-*.npz")
        yield {path: path.stat().st_mtime_ns for path in saved}
        (job,) = [job for job in lab.jobs_of("rule_train") if job.state == "RUNNING"]
        strike(lab, job)


def _cancel(_: Lab, job: Job) -> None:
    subprocess.run(["scancel", job.id], check=True)


def _exceed_limit(lab: Lab, job: Job) -> None:
    soon = (datetime.now() + timedelta(seconds=2)).isoformat(timespec="seconds")
    lab.scontrol("update", f"JobId={job.id}", f"EndTime={soon}")


def _kill_node(lab: Lab, job: Job) -> None:
    lab.kill_node(job.node)
    lab.restart_node(job.node)


def test_every_accident_happened(survivor: Survivor) -> None:
    fates = [job.state for job in survivor.jobs_of("rule_train")]
    assert fates == ["CANCELLED", "TIMEOUT", "NODE_FAIL", "COMPLETED"]


def test_results_are_those_of_a_local_run(survivor: Survivor, finished: Checkout) -> None:
    here, there = finished.folder / "results", survivor.checkout.folder / "results"
    names = _results(here)
    assert {*_results(there)} == {*names, Path("local/cpu/timings/optimizer.json")}
    for name in (name for name in names if name.parent.name in ("runs", "gradients")):
        assert _without_clock(here / name) == _without_clock(there / name), name
    for table in ("epochs.csv", "trials.csv", "draws.csv"):
        assert (here / "tables" / table).read_bytes() == (there / "tables" / table).read_bytes()


def test_nothing_is_lost_or_measured_again(survivor: Survivor, finished: Checkout) -> None:
    assert survivor.checkout.planned() == {"analyze", "judge", "render"} | figures(finished)


def test_a_killed_run_continues_where_it_was(survivor: Survivor) -> None:
    # All its steps were trained: no attempt had to train one more and save it.
    first, *later = survivor.checkpoints
    assert first
    assert later == [first] * 2
    assert {path: path.stat().st_mtime_ns for path in first} == first


def test_each_attempt_reserves_twice_as_much(survivor: Survivor) -> None:
    first, _, *later = attempts = survivor.jobs_of("rule_train")
    assert [job.memory for job in attempts] == [factor * first.memory for factor in (1, 2, 4, 8)]
    # The second's minutes are those after which its accident ended it.
    assert [job.minutes for job in later] == [factor * first.minutes for factor in (4, 8)]


def test_runs_take_one_core_and_timing_sessions_a_node(survivor: Survivor) -> None:
    assert {job.processors for job in survivor.jobs_of("rule_train")} == {1}
    assert {job.processors for job in survivor.jobs_of("rule_time")} == {2}


def test_timing_sessions_have_their_node_to_themselves(survivor: Survivor) -> None:
    for session in survivor.jobs_of("rule_time"):
        others = [job for job in survivor.jobs if job.node == session.node and job.id != session.id]
        assert not [job for job in others if job.start < session.end and job.end > session.start]


def test_timing_sessions_do_not_overlap(survivor: Survivor) -> None:
    # Two nodes of this Slurm are one machine, which only batchmark's own lock can know.
    sessions = [_span(path) for path in survivor.checkout.folder.glob("results/*/*/timings/*.json")]
    (_, end), (start, _) = sorted(sessions)
    assert end <= start


def test_a_gpu_run_asks_for_one_gpu(lab: Lab, finished: Checkout, tmp_path: Path) -> None:
    config = tmp_path / "gpu.yaml"
    config.write_text(MICRO.read_text().replace("devices: [cpu]", "devices: [cpu, gpu]"))
    checkout = Configured(tmp_path / "checkout", config)
    shutil.copytree(finished.folder, checkout.folder)
    run = min(checkout.folder.glob("results/local/cpu/runs/*.json")).name
    # What becomes of it is not asked here: there is no GPU behind the one of this Slurm.
    with running(checkout, f"results/local/gpu/runs/{run}", *PROFILE) as snakemake:
        follow(snakemake, lambda: lab.jobs_of("rule_train", "gpu"))
        (job,) = lab.jobs_of("rule_train", "gpu")
        subprocess.run(["scancel", job.id], check=True)
    assert (job.gpus, job.processors) == (1, 1)


def _span(path: Path) -> tuple[float, float]:
    """Start and end of a timing session on the clock that all processes of a machine share."""
    session = json.loads(path.read_text())
    return session["before"]["elapsed_seconds"], session["after"]["elapsed_seconds"]


def _results(folder: Path) -> list[Path]:
    """Paths of all result files, less the hidden ones that a job killed while writing left."""
    paths = (path for path in folder.glob("local/**/*.json") if not path.name.startswith("."))
    return sorted(path.relative_to(folder) for path in paths)


def _without_clock(path: Path) -> Any:
    """What a result file says, less its clocks and so less the digest over all of it."""

    def strip(content: Any) -> Any:
        if isinstance(content, dict):
            return {key: strip(value) for key, value in content.items() if key != "clock"}
        return [strip(value) for value in content] if isinstance(content, list) else content

    content = json.loads(path.read_text())
    del content["digest"]
    return strip(content)
