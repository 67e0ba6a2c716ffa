"""A copy of the project to run real Snakemake in."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchmark.training import environment as switches
from tests.workflow.preloaded import snakemake

ROOT = Path(__file__).resolve().parents[2]
MICRO = Path(__file__).with_name("micro.yaml")
PROGRAM = (sys.executable, "-m", "snakemake")
_JOB = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):$", re.MULTILINE)
_OUTPUT = re.compile(r"^    output: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Checkout:
    """A working copy of the project with its own lock folder."""

    folder: Path

    def snakemake(
        self, *arguments: str, config: Path = MICRO, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake at the micro scale and wait for it."""
        command = [*self.command(config)[len(PROGRAM) :], *arguments]
        return snakemake(command, self.folder, {**self.environment(), **environment})

    def command(self, config: Path = MICRO) -> list[str]:
        """How Snakemake is started in this checkout."""
        shutil.copy(config, self.folder / "config" / "micro.yaml")
        # In this order: what follows --configfile would be taken for one more of them.
        return [*PROGRAM, "--configfile", "config/micro.yaml", "--cores", "2"]

    def environment(self) -> dict[str, str]:
        """As a user has it, this checkout's sources first, locks of its own, and all that is said.

        Not the switches of the test process, which the stages shall set for themselves.
        """
        locks = self.folder / ".locks"
        locks.mkdir(exist_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        users = {name: text for name, text in os.environ.items() if name not in switches.NAMES}
        return {
            **users,
            "PATH": path,
            "PYTHONPATH": str(self.folder / "src"),
            "TMPDIR": str(locks),
            "VERBOSE": "1",
        }

    def planned(self, config: Path = MICRO) -> set[str]:
        """The jobs of a dry run: rule names, and the stem of the output of rules with many."""
        return self.jobs("--dry-run", config=config)

    def jobs(self, *arguments: str, config: Path = MICRO) -> set[str]:
        """The same of a run that succeeds."""
        result = self.snakemake(*arguments, config=config)
        assert result.returncode == 0, result.stdout + result.stderr
        return {name for name in _jobs(result.stdout + result.stderr) if name != "report"}

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old` in a file of the checkout."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True)
class Configured(Checkout):
    """A checkout whose Snakemake runs with another configuration than micro's."""

    overlay: Path

    def command(self, config: Path = Path()) -> list[str]:
        """How Snakemake is started in this checkout."""
        return super().command(self.overlay)


def _jobs(text: str) -> Iterator[str]:
    for block in re.split(r"\n\n|\n(?=\[)", text):
        rule = _JOB.search(block)
        output = _OUTPUT.search(block)
        if rule:
            many = rule[1] in {"train", "time", "probe", "plot"}
            stem = Path(output[1].split(",")[0]).stem if output and many else ""
            yield f"{rule[1]} {stem}".strip()


def copy_project(folder: Path) -> Checkout:
    """The files that git knows or would add, as they are in the work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    # Compiled once, and heeded as long as a source keeps its time and size.
    for compiled in (ROOT / "src").rglob("__pycache__/*.pyc"):
        (folder / compiled.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, folder / compiled.relative_to(ROOT))
    return Checkout(folder)
