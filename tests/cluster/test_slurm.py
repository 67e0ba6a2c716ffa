"""The workflow on a real Slurm, in one run to which everything happens that happens to clusters."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.lab import Job, Lab
from tests.workflow.checkout import MICRO, Checkout, Configured
from tests.workflow.jobs import figures
from tests.workflow.running import eventually, follow, running, said

# Most of it is waiting, as clusters are; far less on a quiet machine.
pytestmark = pytest.mark.timeout(600)

CANCELLED, OVERDUE, STRUCK = "mlp-adam-", "mlp-rprop-", "mlp-sgd-bs50-"
# To this run nothing would happen, so that of the finished run does.
CALM = "mlp-sgd-bs100-"
# Of all results; what is made of them is made here and not by Slurm.
TABLE = "results/tables/trials.csv"
PROFILE = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "4"]


@dataclass(frozen=True)
class Survivor:
    """A finished run and what Slurm remembers of it."""

    checkout: Checkout
    jobs: list[Job]
    checkpoints: dict[Path, int]

    def jobs_of(self, *words: str) -> list[Job]:
        """The jobs whose rule and wildcards have all `words`, in order of submission."""
        return [job for job in self.jobs if all(word in job.comment for word in words)]


@pytest.fixture(scope="module")
def survivor(lab: Lab, finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """A run in whose middle a job is cancelled, one hits its limit, and a node dies."""
    folder = tmp_path_factory.mktemp("slurm")
    # A second session, which may not be beside the first.
    config = folder / "two-sessions.yaml"
    config.write_text(MICRO.read_text().replace("rounds: 0", "rounds: 3"))
    checkout = Configured(folder / "checkout", config)
    shutil.copytree(finished.folder, checkout.folder)
    (calm,) = checkout.folder.glob(f"results/local/cpu/runs/{CALM}*.json")
    _forget_all_but(checkout, calm)
    _put_gates(checkout, finished)
    with running(checkout, TABLE, *PROFILE) as snakemake:
        checkpoints = _strike_all(lab, checkout.folder)
        assert snakemake.wait(timeout=400) == 0, said(checkout)
    return Survivor(checkout, lab.jobs(), checkpoints)


def _forget_all_but(checkout: Checkout, run: Path) -> None:
    """As in a new clone, into which one result came with the data that it was made of."""
    kept = run.read_bytes(), run.stat()
    for made in (".snakemake", "results", "reports", "logs", "scratch"):
        shutil.rmtree(checkout.folder / made)
    run.parent.mkdir(parents=True)
    run.write_bytes(kept[0])
    os.utime(run, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))


# A victim waits with all of its steps trained and saved, and its result not written: for good.
GATED = """\
    gate = Path("gates", path.parent.name, path.name)
    if gate.exists():
        gate.rename(gate.with_suffix(".reached")).read_bytes()
"""


def _put_gates(checkout: Checkout, finished: Checkout) -> None:
    """A pipe to which nobody writes for each victim, so that it cannot end before its accident."""
    start = '    """Write a file atomically."""\n'
    checkout.edit("src/batchmark/contract/files.py", start, start + GATED)
    gates = checkout.folder / "gates" / "runs"
    gates.mkdir(parents=True)
    for victim in (CANCELLED, OVERDUE, STRUCK):
        (run,) = finished.folder.glob(f"results/local/cpu/runs/{victim}*.json")
        os.mkfifo(gates / run.name)


def _strike_all(lab: Lab, folder: Path) -> dict[Path, int]:
    """Let each victim have its accident at its gate, which its next attempt finds gone.

    Returns the times of the checkpoints that they left.
    """
    checkpoints: dict[Path, int] = {}
    accidents = {CANCELLED: _cancel, OVERDUE: _exceed_limit, STRUCK: _running}

    def all_struck() -> bool:
        for victim in [name for name in accidents if any(folder.glob(f"gates/*/{name}*.reached"))]:
            saved = folder.glob(f"scratch/cpu/{victim}*/trial-*.npz")
            checkpoints.update({path: path.stat().st_mtime_ns for path in saved})
            accidents.pop(victim)(lab, victim)
        # Not while the victim of the limit waits for it, perhaps on the node that is to die.
        return not accidents and not _running(lab, OVERDUE)

    eventually(all_struck)
    _kill_node(lab)
    return checkpoints


def _cancel(lab: Lab, victim: str) -> None:
    subprocess.run(["scancel", _running(lab, victim)[0].id], check=True)


def _exceed_limit(lab: Lab, victim: str) -> None:
    soon = (datetime.now() + timedelta(seconds=2)).isoformat(timespec="seconds")
    lab.scontrol("update", f"JobId={_running(lab, victim)[0].id}", f"EndTime={soon}")


def _kill_node(lab: Lab) -> None:
    node = _running(lab, STRUCK)[0].node
    lab.kill_node(node)
    lab.restart_node(node)


def _running(lab: Lab, victim: str) -> list[Job]:
    return [job for job in lab.jobs_of("rule_train", victim) if job.state == "RUNNING"]


def test_every_accident_happened(survivor: Survivor) -> None:
    for victim, fate in {CANCELLED: "CANCELLED", OVERDUE: "TIMEOUT", STRUCK: "NODE_FAIL"}.items():
        assert fate in {job.state for job in survivor.jobs_of("rule_train", victim)}


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


def test_killed_runs_continue_where_they_were(survivor: Survivor) -> None:
    # All their steps were trained: nobody had to train one more and save it.
    assert len(survivor.checkpoints) == 3
    assert all(path.stat().st_mtime_ns == at for path, at in survivor.checkpoints.items())


def test_next_attempt_reserves_twice_as_much(survivor: Survivor) -> None:
    first, second = survivor.jobs_of("rule_train", CANCELLED)[:2]
    assert second.minutes == 2 * first.minutes
    assert second.memory == 2 * first.memory


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
