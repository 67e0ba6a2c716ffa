"""A real Slurm of two nodes on this host, and the accidents that happen to one."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from tests.workflow.running import eventually, kill

SCRIPT = Path(__file__).with_name("slurm.sh")
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")


def why_impossible() -> str:
    """Why Slurm cannot be started here; empty when it can."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{missing[0]} is not installed (Debian: slurmctld slurmd slurm-client munge)"
    return ""


@dataclass(frozen=True)
class Job:
    """A Slurm job as `scontrol` tells of it. Times are in seconds since the epoch."""

    id: str
    comment: str
    state: str
    node: str
    processors: int
    memory: int
    minutes: int
    gpus: int
    start: float
    end: float


@dataclass(frozen=True)
class Lab:
    """The running Slurm."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """What its commands and its jobs find it by."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def jobs(self) -> list[Job]:
        """All jobs since the start, ended ones included."""
        rows = self.scontrol("show", "job", "-o").splitlines()
        return [_job(row) for row in rows if row.startswith("JobId=")]

    def jobs_of(self, *words: str) -> list[Job]:
        """The jobs whose rule and wildcards have all `words`, in order of submission."""
        return [job for job in self.jobs() if all(word in job.comment for word in words)]

    def progress(self) -> int:
        """Another number whenever a job has ended."""
        ended = self.folder / "log" / "jobs"
        return ended.stat().st_size if ended.exists() else 0

    def scontrol(self, *arguments: str) -> str:
        """Run scontrol."""
        return subprocess.run(
            ["scontrol", *arguments], capture_output=True, text=True, check=True
        ).stdout

    def kill_node(self, name: str) -> None:
        """Take a node's power away: all of its processes at once, and Slurm is told."""
        steps = [f"slurmstepd: [{job.id}." for job in self.jobs() if job.node == name]
        while doomed := list(self._processes_of(name, steps)):
            for process in doomed:
                kill(process)
        self.scontrol("update", f"nodename={name}", "state=down", "reason=killed")

    def restart_node(self, name: str) -> None:
        """Give it its power back."""
        subprocess.run([SCRIPT, "node", self.folder, name], check=True)
        eventually(lambda: self._has_returned(name))

    def _has_returned(self, name: str) -> bool:
        # Refused when the node has registered already and is up again.
        resume = ["scontrol", "update", f"nodename={name}", "state=resume"]
        subprocess.run(resume, capture_output=True, check=False)
        return bool(
            re.search(r"State=(IDLE|MIXED|ALLOCATED) ", self.scontrol("show", "node", name))
        )

    def _processes_of(self, node: str, steps: list[str]) -> Iterator[psutil.Process]:
        """A node's daemon and steps, and what works in its jobs: not those of another Slurm."""
        for process in psutil.process_iter(["cmdline", "cwd", "environ", "status"]):
            command = " ".join(process.info["cmdline"] or [])
            environment = process.info["environ"] or {}
            daemon = command == f"slurmd -N {node}" or command.startswith(tuple(steps) or ("\0",))
            works_here = process.info["cwd"] == str(self.folder / "log")
            inside = environment.get("SLURMD_NODENAME") == node
            knows_us = environment.get("SLURM_CONF") == self.environment()["SLURM_CONF"]
            ours = (daemon and works_here) or (inside and knows_us)
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                yield process


def _job(row: str) -> Job:
    told = dict(re.findall(r"(\S+?)=(.*?)(?= \S+?=|\s*$)", row))
    return Job(
        id=told["JobId"],
        comment=told.get("Comment", ""),
        state=told["JobState"],
        node=told.get("BatchHost", ""),
        processors=int(told["NumCPUs"]),
        memory=_megabytes(told["MinMemoryNode"]),
        minutes=_minutes(told["TimeLimit"]),
        gpus=sum(map(int, re.findall(r" TresPer\w+=gres[:/]gpu[:=](\d+)", row))),
        start=_seconds(told["StartTime"]),
        end=_seconds(told["EndTime"]),
    )


def _minutes(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, _ = clock.split(":")
    return int(days or 0) * 1440 + int(hours) * 60 + int(minutes)


def _megabytes(text: str) -> int:
    return int(text[:-1]) * {"M": 1, "G": 1024}[text[-1]] if text[-1] in "MG" else int(text)


def _seconds(text: str) -> float:
    return 0.0 if text in ("Unknown", "N/A") else datetime.fromisoformat(text).timestamp()
