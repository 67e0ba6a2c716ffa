"""`compare`: what it prints and writes, and how it ends."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.stages.compare import WORSE, main
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


# Its exit status and what it prints.
Compare = Callable[..., tuple[int, str]]


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compare:
    """The command line in this process, which has imported everything."""

    def compared(before: Path, after: Path, *more: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", _command(before, after, *more)[2:])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return compared


def _command(before: Path, after: Path, *more: str) -> list[str]:
    stage = [sys.executable, "-m", "batchmark.stages.compare"]
    return [*stage, "--before", str(before), "--after", str(after), *more]


def test_what_got_slower_is_said_written_and_told_to_ci(
    folder: Path, tmp_path: Path, compare: Compare
) -> None:
    output = tmp_path / "comparison.json"
    command = _command(folder / "before", folder / "after", "--output", str(output))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == WORSE, done.stderr
    found = json.loads(output.read_text())
    assert found["slower"] == sum(row["change"] == "slower" for row in found["times"]) > 0
    assert f"{found['slower']} slower and 0 faster beyond noise" in done.stdout
    assert "local/cpu: versions.keras: 3.15.1 → 3.16.0" in done.stdout
    status, _ = compare(folder / "after" / "tables", folder / "before")
    assert status == 0


def test_it_is_a_page_in_every_language_beside_the_report(
    folder: Path, tmp_path: Path, compare: Compare
) -> None:
    (tmp_path / "index.html").touch()
    output = tmp_path / "comparison.json"
    _, said = compare(folder / "before", folder / "after", "--output", str(output))
    assert f"The page: {tmp_path}/comparison.html" in said
    english, chinese = (
        (tmp_path / f"comparison{code}.html").read_text(encoding="utf-8") for code in ("", ".zh")
    )
    found = json.loads(output.read_text())
    assert f"slower beyond noise: {found['slower']}, faster: 0." in english
    assert english.count("<td>slower</td>") == found["slower"] == chinese.count("<td>变慢</td>")
    assert re.search(r"versions\.keras.*3\.15\.1.*3\.16\.0", english)
    assert '<a class="tool" href="index.html">The report</a>' in english
    assert 'href="index.zh.html"' not in chinese


def test_a_history_says_since_when(folder: Path, tmp_path: Path, compare: Compare) -> None:
    """From the sixth of twelve runs on an example takes 30 % longer; the last two are alike."""
    output = tmp_path / "comparison.json"
    for number in range(10):
        name = "before" if number < 5 else "after"
        shutil.copytree(folder / name / "tables", tmp_path / "history" / f"{number}/tables")
    more = ("--output", str(output), "--history", str(tmp_path / "history"))
    status, said = compare(folder / "after", folder / "after", *more)
    assert status == 0
    steps = json.loads(output.read_text())["change_points"]
    assert {(step["run"], step["change"]) for step in steps} == {(5, "slower")}
    assert f"{len(steps)} changes that stayed, in 12 runs." in said
    assert "from run 6 on (20" in said
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert "Runs searched for changes that stayed: 12." in page
    shutil.rmtree(tmp_path / "history" / "0")
    shutil.rmtree(tmp_path / "history" / "1")
    _, said = compare(folder / "after", folder / "after", *more)
    assert "10 runs are too few for changes that stayed: 11 are needed." in said


def test_a_mistake_is_one_sentence(folder: Path, tmp_path: Path, compare: Compare) -> None:
    command = _command(tmp_path, folder / "after")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"batchmark: {tmp_path} has no tables of a run;")
    assert len(done.stderr.splitlines()) == 1
    shutil.copytree(folder / "after" / "tables", tmp_path / "tables")
    file = tmp_path / "tables" / "environment.json"
    file.write_text(file.read_text().replace("local/cpu", "other/cpu"))
    sentence = "no machine is in both runs (before: local/cpu; after: other/cpu)"
    with pytest.raises(UserError, match=re.escape(sentence)):
        compare(folder / "before", tmp_path)


def test_tables_of_another_version_are_refused(
    folder: Path, tmp_path: Path, compare: Compare
) -> None:
    shutil.copytree(folder / "after" / "tables", tmp_path / "tables")
    file = tmp_path / "tables" / "timings.csv"
    header, _, rows = file.read_text().partition("\n")
    file.write_text(header.replace("repeated", "redone") + "\n" + rows)
    sentence = "timings.csv lacks repeated: another version of batchmark made it"
    with pytest.raises(UserError, match=re.escape(sentence)):
        compare(folder / "before", tmp_path)
