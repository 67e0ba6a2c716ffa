"""Which interpreter and whose code the rules run, whatever shell and environment they start in."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.checkout import ROOT, Checkout

OWN_CODE = 'print("the code of this folder")\n'


def bare(checkout: Checkout) -> dict[str, str]:
    """No activated environment and no path to this checkout's sources."""
    left = {k: v for k, v in checkout.environment().items() if k not in {"PATH", "PYTHONPATH"}}
    return {**left, "PATH": os.defpath}


def test_a_copy_runs_its_own_code_by_snakemakes_own_interpreter(
    fresh: Callable[[], Checkout],
) -> None:
    checkout = fresh()
    stage = checkout.folder / "src/batchmark/stages/download.py"
    stage.write_text(
        stage.read_text().replace("\nimport argparse\n", f"\nimport argparse\n{OWN_CODE}")
    )
    plan = checkout.folder / "src/batchmark/plan/plan.py"
    plan.write_text(f"{plan.read_text()}\nprint('the plan of this folder')\n")
    done = subprocess.run(
        [*checkout.command(), "--", "data/mnist.npz"],
        cwd=checkout.folder, env=bare(checkout), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # The environment's link to batchmark leads elsewhere.
    assert "the plan of this folder" in done.stdout
    assert "the code of this folder" in (checkout.folder / "logs/download/mnist.log").read_text()


RECORDING = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  *find_spec*) echo ModuleSpec ;;
  *"import pip"*) exit {pip} ;;
  *version_info*) exit {old} ;;
  --version) echo Python 3.10.12 ;;
  "-m venv --clear "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""


class Make:
    """`make` in a folder whose Pythons write down what they are asked to do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        for name in ("Makefile", "pyproject.toml"):
            (folder / name).write_text((ROOT / name).read_text())
        (folder / "requirements").mkdir()
        (folder / "requirements/run.txt").touch()
        self.python(folder / "python")

    def python(self, path: Path, *, pip: int = 0, old: int = 0) -> None:
        """One that says whether it has pip, and whether its version is wrong."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDING.format(calls=self.calls, pip=pip, old=old))
        path.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        """`make` for `.venv`."""
        return subprocess.run(
            ["make", f"PYTHON={self.folder / 'python'}", ".venv/installed-run"],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def installs(self) -> list[str]:
        """What was made and installed for `.venv`, without the looks at what is there."""
        self.calls.write_text("")
        done = self.run()
        assert done.returncode == 0, done.stderr
        words = [call.split() for call in self.calls.read_text().splitlines()]
        return ["venv" if "venv" in w else w[2] for w in words if "venv" in w or "install" in w]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


ANEW = ["venv", "pip", "pip"]


def test_an_environment_is_installed_once(make: Make) -> None:
    assert make.installs() == ANEW
    assert make.installs() == []


def test_one_that_was_killed_before_it_had_pip_is_made_anew(make: Make) -> None:
    make.python(make.folder / ".venv/bin/python", pip=1)
    assert make.installs() == ANEW


def test_one_that_was_killed_while_packages_were_written_is_made_anew(make: Make) -> None:
    make.python(make.folder / ".venv/bin/python")
    (make.folder / ".venv/unfinished").touch()
    assert make.installs() == ANEW


def test_one_whose_python_is_gone_is_made_anew(make: Make) -> None:
    make.installs()
    python = make.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.9")
    assert make.installs() == ANEW


def test_a_python_of_another_version_is_refused_in_a_sentence(make: Make) -> None:
    """Unless the environment that is there has a good one."""
    make.python(make.folder / "python", old=1)
    refused = make.run()
    assert refused.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13, and " in refused.stderr
    assert "is Python 3.10.12; name one: make .venv/installed-run PYTHON=" in refused.stderr
    assert not (make.folder / ".venv").exists()
    make.python(make.folder / ".venv/bin/python")
    assert make.installs() == ["pip", "pip"]


def test_changed_requirements_go_into_the_environment_that_is_there(make: Make) -> None:
    make.installs()
    os.utime(make.folder / "pyproject.toml", (2**31, 2**31))
    assert make.installs() == ["pip", "pip"]


def test_make_runs_modules_since_scripts_name_the_folder_they_were_installed_in() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "partial"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ".venv/bin/python -m snakemake" in done.stdout
