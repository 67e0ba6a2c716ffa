"""A configuration that asks Snakemake to run code is refused before Snakemake reads it."""

import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.__main__ import WORKFLOWS_OWN, configuration_files
from tests.workflow.checkout import ROOT

TEMPLATE = "__use_yte__: true\nmachine: ?open('pwned', 'w')\n"


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("--configfile a.yaml", ["a.yaml"]),
        ("-n --configfiles a.yaml b.yaml --cores 2 report", ["a.yaml", "b.yaml"]),
        ("--configfile=a.yaml --config machine=x --configfile b.yaml", ["a.yaml", "b.yaml"]),
        ("--config machine=x", []),
        ("", []),
    ],
)
def test_snakemakes_arguments_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, files: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert configuration_files(arguments.split()) == [Path(file) for file in files]
    monkeypatch.chdir(ROOT)
    assert configuration_files(arguments.split()) == [WORKFLOWS_OWN, *map(Path, files)]


def test_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(TEMPLATE)
    command = [sys.executable, "-m", "batchmark", "check", "--configfile", "theirs.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("batchmark: theirs.yaml: __use_yte__")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("report", "theirs.yaml"),
        ("quick", "config/quick.yaml theirs.yaml"),
        ("smoke", "config/smoke.yaml theirs.yaml"),
        ("evening", "config/evening.yaml theirs.yaml"),
        ("full", "config/full.yaml theirs.yaml"),
        ("estimate", "theirs.yaml"),
        ("partial", "theirs.yaml"),
        ("clean-stale", "theirs.yaml"),
    ],
)
@pytest.mark.parametrize("given", ["--configfile ", "--configfile=", "--configfiles "])
def test_make_checks_before_snakemake_starts(target: str, files: str, given: str) -> None:
    """All files, a scale's own first: Snakemake heeds the last option of that name alone."""
    # As in an environment that is whole, whatever becomes of ours.
    whole = "--old-file=.venv/installed-run"
    command = ["make", "--dry-run", whole, target, f"ARGS={given}theirs.yaml -n"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    checked, _, started = listed.partition(" && ")
    option = given if files == "theirs.yaml" else "--configfile "
    assert f"batchmark check {option}{files} -n" in checked
    assert "snakemake" in started
    assert f"{option}{files} -n" in started
