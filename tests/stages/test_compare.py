"""`compare`: what it prints and writes, and how it ends."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.stages.compare import WORSE
from batchmark.stages.judge import judge_claims
from tests.synthetic import Truth, example_request
from tests.world import make_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and one with another Keras in which an example takes 30 % longer."""
    folder = tmp_path_factory.mktemp("compared")
    request = example_request(epochs=2.0, studies=("batch_size",))
    versions = {"python": "3.11.9", "tensorflow": "2.21.0", "keras": "3.16.0"}
    slower = Truth(seconds_per_example=6.5e-5, versions=versions)
    for name, truth in (("before", Truth()), ("after", slower)):
        world = make_world(folder / name, request, truth)
        judge_claims(request, world.folder / "tables")
    return folder


def _compare(before: Path, after: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchmark.stages.compare", "--before", str(before)]
    command += ["--after", str(after), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_got_slower_is_said_written_and_told_to_ci(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "comparison.json"
    done = _compare(folder / "before", folder / "after", "--output", str(output))
    assert done.returncode == WORSE, done.stderr
    found = json.loads(output.read_text())
    assert found["slower"] == sum(row["change"] == "slower" for row in found["times"]) > 0
    assert f"{found['slower']} slower and 0 faster beyond noise" in done.stdout
    assert "local/cpu: versions.keras: 3.15.1 → 3.16.0" in done.stdout
    faster = _compare(folder / "after" / "tables", folder / "before")
    assert (faster.returncode, faster.stderr) == (0, "")


def test_it_is_a_page_in_every_language_beside_the_report(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    output = tmp_path / "comparison.json"
    done = _compare(folder / "before", folder / "after", "--output", str(output))
    assert f"The page: {tmp_path}/comparison.html" in done.stdout
    english, chinese = (
        (tmp_path / f"comparison{code}.html").read_text(encoding="utf-8") for code in ("", ".zh")
    )
    found = json.loads(output.read_text())
    assert f"slower beyond noise: {found['slower']}, faster: 0." in english
    assert english.count("<td>slower</td>") == found["slower"] == chinese.count("<td>变慢</td>")
    assert re.search(r"versions\.keras.*3\.15\.1.*3\.16\.0", english)
    assert '<a class="tool" href="index.html">The report</a>' in english
    assert 'href="index.zh.html"' not in chinese


def test_a_history_says_since_when(folder: Path, tmp_path: Path) -> None:
    """From the sixth of twelve runs on an example takes 30 % longer; the last two are alike."""
    output = tmp_path / "comparison.json"
    for number in range(10):
        name = "before" if number < 5 else "after"
        shutil.copytree(folder / name / "tables", tmp_path / "history" / f"{number}/tables")
    more = ("--output", str(output), "--history", str(tmp_path / "history"))
    done = _compare(folder / "after", folder / "after", *more)
    assert done.returncode == 0, done.stderr
    steps = json.loads(output.read_text())["change_points"]
    assert {(step["run"], step["change"]) for step in steps} == {(5, "slower")}
    assert f"{len(steps)} changes that stayed, in 12 runs." in done.stdout
    assert "from run 6 on (20" in done.stdout
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert "Runs searched for changes that stayed: 12." in page
    shutil.rmtree(tmp_path / "history" / "0")
    shutil.rmtree(tmp_path / "history" / "1")
    done = _compare(folder / "after", folder / "after", *more)
    assert "10 runs are too few for changes that stayed: 11 are needed." in done.stdout


def test_a_mistake_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    done = _compare(tmp_path, folder / "after")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"batchmark: {tmp_path} has no tables of a run;")
    shutil.copytree(folder / "after" / "tables", tmp_path / "tables")
    file = tmp_path / "tables" / "environment.json"
    file.write_text(file.read_text().replace("local/cpu", "other/cpu"))
    done = _compare(folder / "before", tmp_path)
    assert done.returncode == 1
    assert "no machine is in both runs (before: local/cpu; after: other/cpu)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_tables_of_another_version_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "after" / "tables", tmp_path / "tables")
    file = tmp_path / "tables" / "timings.csv"
    header, _, rows = file.read_text().partition("\n")
    file.write_text(header.replace("repeated", "redone") + "\n" + rows)
    done = _compare(folder / "before", tmp_path)
    assert done.returncode == 1
    assert "timings.csv lacks repeated: another version of batchmark made it" in done.stderr
