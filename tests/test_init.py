"""`python -m batchmark init`: a project that runs as it is, or nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from batchmark.__main__ import begin
from batchmark.contract.errors import UserError
from batchmark.plan.plan import Plan, open_plan

ROOT = Path(__file__).parents[1]


def opened(project: Path) -> Plan:
    """As the Snakefile of the project does it: its configuration over ours."""
    ours, theirs = (ROOT / "config/config.yaml", project / "config.yaml")
    config = {**yaml.safe_load(ours.read_text()), **yaml.safe_load(theirs.read_text())}
    folders = [project / "config/studies", ROOT / "config/studies"]
    return open_plan(config, [str(theirs)], folders, project / "handover")


def test_a_project_has_a_plan_and_finds_batchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path / "mine")
    project = tmp_path / "mine"
    for line in (project / "Snakefile").read_text().splitlines():
        if "Snakefile" in line or "/config/" in line:
            assert (project / line.split('"')[1]).is_file()
    assert (project / "profiles/default/config.yaml").is_file()
    schema = (project / "config/studies/units.yaml").read_text().split()[2]
    assert (project / "config/studies" / schema.partition("=")[2]).is_file()
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    subprocess.run([sys.executable, "make_images.py"], check=True)
    assert {*opened(project).studies} == {"units"}


def test_nothing_that_exists_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("precious")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("mine", "link"):
        with pytest.raises(UserError, match=f"{name} exists already; name a folder"):
            begin(tmp_path / name)
    assert (tmp_path / "mine" / "config.yaml").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["config.yaml", "link", "mine"]


def test_nothing_is_half_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no is no folder to make mine in; make it first\."):
        begin(tmp_path / "no" / "mine")
    with pytest.raises(UserError, match="template is missing"):
        begin(tmp_path / "mine", home=tmp_path / "elsewhere")
    (tmp_path / "home/template").mkdir(parents=True)
    (tmp_path / "home/template/binary").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        begin(tmp_path / "mine", home=tmp_path / "home")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batchmark", "init", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"batchmark: {tmp_path} exists already; name a folder that does not.\n"
