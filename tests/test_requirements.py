"""Conda gets the versions of the lock file, and CI runs every Python that it holds for."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
CONDA = yaml.safe_load((ROOT / "requirements/conda.yaml").read_text(encoding="utf-8"))
# What conda calls otherwise, and what a wheel has in it or asks for by an extra.
OTHER_NAMES = {"matplotlib": "matplotlib-base", "tensorflow-cpu": "tensorflow"}
BESIDE = {"tqdm"}


def pinned(python: str) -> dict[str, str]:
    """The versions of the lock file on Linux with this Python."""
    text = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
    rows = [Requirement(row) for row in re.findall(r"^(\S+==.*?) \\$", text, re.MULTILINE)]
    there = {
        "python_full_version": f"{python}.0",
        "platform_machine": "x86_64",
        "sys_platform": "linux",
    }
    return {
        row.name: next(iter(row.specifier)).version
        for row in rows
        if row.marker is None or row.marker.evaluate(there)
    }


def test_conda_gets_the_versions_of_the_lock_file() -> None:
    listed = dict(row.split("=") for row in CONDA["dependencies"])
    locked = pinned(listed.pop("python"))
    asked = (ROOT / "requirements/common.in").read_text(encoding="utf-8").split()
    direct = {*(name.partition("[")[0] for name in asked), "tensorflow-cpu", *BESIDE}
    assert listed == {OTHER_NAMES.get(name, name): locked[name] for name in direct}


def test_images_are_built_from_lock_files_that_there_are() -> None:
    recipe = (ROOT / "Containerfile").read_text(encoding="utf-8")
    named = {*re.findall(r"LOCK=(\w+)", recipe)}
    assert named == {"run", "gpu"}
    for name in named:
        locked = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
        assert ("nvidia-cudnn-cu12==" in locked) == (name == "gpu")


def test_every_python_that_is_allowed_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python-version"]
    assert tested == [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]
