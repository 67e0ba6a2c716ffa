import shutil
from pathlib import Path

import pytest

from tests.own.project import Project, write_project
from tests.workflow.checkout import copy_project


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository that uses batchmark as a module, with its report made; copy before changing."""
    folder = tmp_path_factory.mktemp("module")
    (folder / "batchmark").mkdir()
    project = write_project(folder / "mine", copy_project(folder / "batchmark"))
    result = project.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return project


@pytest.fixture
def project(finished_project: Project, tmp_path: Path) -> Project:
    """An own copy of it beside the same batchmark."""
    folder = finished_project.folder.parent / tmp_path.name
    shutil.copytree(finished_project.folder, folder, symlinks=True)
    return Project(folder, finished_project.batchmark)
