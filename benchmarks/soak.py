"""Random edits, kills and reruns under the rules of the rerun matrix, for as long as you like.

    python -m benchmarks.soak --minutes 60 --seed 7

Each round makes one change to a finished micro run and compares what Snakemake would do with the
rule; then it starts Snakemake again and again and kills it or a stage of it, in turn, at random
moments; then it lets it end and compares the tables with those of the undisturbed run. The exit
status is 1 when a rule was violated.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from tests.workflow.checkout import Checkout, copy_project
from tests.workflow.jobs import AFTER_ANALYZE, AFTER_COLLECT, figures, probes, runs, timings
from tests.workflow.running import kill, kill_all, said, stages, start

TABLES = ("trials.csv", "epochs.csv", "draws.csv", "variants.csv")
STAGES = ("train", "time", "probe", "collect", "analyze", "plot", "render")
VICTIMS = ("snakemake", *STAGES)
LONGEST_WAIT = 15.0
KILLS_A_ROUND = 5

Rule = Callable[[Checkout], set[str]]


@dataclass(frozen=True)
class Edit:
    """A line added to a file, and the jobs that it calls for."""

    path: str
    line: str
    rule: Rule

    def make(self, checkout: Checkout, number: int) -> None:
        file = checkout.folder / self.path
        text = file.read_text(encoding="utf-8")
        file.write_text(text + self.line.format(number=number), encoding="utf-8")


def _all_figures(checkout: Checkout) -> set[str]:
    return AFTER_ANALYZE | figures(checkout)


def _after_collect(work: Rule) -> Rule:
    return lambda checkout: work(checkout) | AFTER_COLLECT | figures(checkout)


LIBRARY = "src/batchmark"
CODE = "\nSOAKED_{number} = True\n"
EDITS = (
    Edit(f"{LIBRARY}/training/session.py", "\n# comment {number}\n", lambda _: set()),
    Edit("workflow/report/style.css", "\n/* {number} */\n", lambda _: {"render"}),
    Edit(
        f"{LIBRARY}/report/figures/accuracy.py",
        CODE,
        lambda _: {"plot test_error", "plot learning_curves", "render"},
    ),
    Edit(f"{LIBRARY}/statistics/cost_model.py", CODE, _all_figures),
    Edit(f"{LIBRARY}/timing/protocol.py", CODE, _after_collect(timings)),
    Edit(
        f"{LIBRARY}/training/optimizers/rprop.py",
        CODE,
        _after_collect(lambda checkout: runs(checkout, "rprop") | {"time optimizer"}),
    ),
    Edit(f"{LIBRARY}/training/trial.py", CODE, _after_collect(runs)),
    Edit(
        f"{LIBRARY}/training/session.py",
        CODE,
        _after_collect(lambda checkout: runs(checkout) | timings(checkout) | probes(checkout)),
    ),
)


@dataclass
class Soak:
    """A checkout under way, what chance decides, and what has happened."""

    checkout: Checkout
    chance: random.Random
    expected: dict[str, bytes]
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    leftovers: int = 0
    violations: list[str] = field(default_factory=list)

    def round(self) -> None:
        """One change, its kills, and everything checked."""
        self.rounds += 1
        edit = self.chance.choice(EDITS)
        edit.make(self.checkout, self.rounds)
        planned, due = self.checkout.planned(), edit.rule(self.checkout)
        self._check(planned == due, f"{edit.path}: {sorted(planned ^ due)} planned wrongly")
        for _ in range(KILLS_A_ROUND):
            if self._disturb():
                break
        self._end()

    def _disturb(self) -> bool:
        """Start Snakemake and kill a process at a random moment; whether it ended before."""
        snakemake = start(self.checkout)
        try:
            snakemake.wait(self.chance.uniform(0, LONGEST_WAIT))
        except subprocess.TimeoutExpired:
            self._kill_one(snakemake)
        else:
            return True
        self._check("Traceback" not in said(self.checkout), "Snakemake: a traceback")
        return False

    def _kill_one(self, snakemake: subprocess.Popen[bytes]) -> None:
        """The kind of process that has been killed least among those that run.

        Its survivors go on to their end, or go on while the next Snakemake starts, or die too.
        """
        name, victim = self._victim(snakemake)
        self.kills[name] += kill(victim)
        if self.chance.random() < 0.5:
            snakemake.wait()
        elif self.chance.random() < 0.5:
            kill_all(self.checkout.folder)
        snakemake.kill()
        snakemake.wait()

    def _victim(self, snakemake: subprocess.Popen[bytes]) -> tuple[str, psutil.Process]:
        alive = {"snakemake": psutil.Process(snakemake.pid)}
        for stage in STAGES:
            for process in stages(self.checkout.folder, f"batchmark.stages.{stage} "):
                alive[stage] = process
        name = min(alive, key=lambda name: (self.kills[name], self.chance.random()))
        return name, alive[name]

    def _end(self) -> None:
        """Let it end, and compare."""
        result = self.checkout.snakemake()
        words = result.stdout + result.stderr
        self._check(result.returncode == 0, f"did not end: {words[-2000:]}")
        tables = _tables(self.checkout)
        for name in TABLES:
            self._check(tables.get(name) == self.expected[name], f"{name} differs")
        self._check(self.checkout.planned() == set(), "something is left to do")
        for path in self.checkout.folder.glob("results/**/*.json"):
            self._check(_is_json(path), f"{path.name} is half-written")
        self.leftovers = sum(path.is_file() for path in self.checkout.folder.glob("results/**/.*"))

    def _check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.violations.append(f"round {self.rounds}: {otherwise}")
            print(f"VIOLATION {self.violations[-1]}", flush=True)


def _tables(checkout: Checkout) -> dict[str, bytes]:
    """The tables that hold nothing of the clock."""
    folder = checkout.folder / "results" / "tables"
    return {name: (folder / name).read_bytes() for name in TABLES if (folder / name).exists()}


def _is_json(path: Path) -> bool:
    # A scratch file that a kill left behind is nobody's result.
    if path.name.startswith("."):
        return True
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return False


def main() -> None:
    """Soak, then summarise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        checkout = copy_project(Path(folder) / "checkout")
        first = checkout.snakemake()
        if first.returncode:
            sys.exit(first.stdout + first.stderr)
        soak = Soak(checkout, random.Random(asked.seed), _tables(checkout))
        try:
            while time.monotonic() - begun < 60 * asked.minutes:
                soak.round()
        finally:
            kill_all(checkout.folder)
    _summarise(soak, asked.seed, (time.monotonic() - begun) / 60)
    sys.exit(bool(soak.violations))


def _summarise(soak: Soak, seed: int, minutes: float) -> None:
    kills = ", ".join(f"{name} {soak.kills[name]}" for name in VICTIMS)
    print(f"{minutes:.0f} minutes, seed {seed}: {soak.rounds} edits, {soak.kills.total()} kills")
    print(f"killed: {kills}")
    print(f"scratch files left behind: {soak.leftovers}; violations: {len(soak.violations)}")


if __name__ == "__main__":
    main()
