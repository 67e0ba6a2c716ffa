import shutil
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from tests.own.project import Project, write_project
from tests.workflow.checkout import Checkout, copy_project


@pytest.fixture(scope="session")
def finished_project(shared_folder: Path) -> Project:
    """A repository that uses batchmark as a module, with its report made; copy before changing.

    One for all workers.
    """
    folder = shared_folder / "module"
    with FileLock(f"{folder}.lock"):
        checkout = Checkout(folder / "batchmark")
        if not folder.exists():
            project = write_project(folder / "mine", copy_project(checkout.folder))
            result = project.snakemake()
            if result.returncode != 0:
                shutil.rmtree(folder)
                pytest.fail(result.stdout + result.stderr)
    return Project(folder / "mine", checkout)


@pytest.fixture
def project(finished_project: Project, tmp_path: Path) -> Project:
    """An own copy of it beside the same batchmark."""
    # Two workers number their folders alike, and this one is theirs together.
    folder = Path(tempfile.mkdtemp(prefix=tmp_path.name, dir=finished_project.folder.parent))
    shutil.copytree(finished_project.folder, folder, symlinks=True, dirs_exist_ok=True)
    return Project(folder, finished_project.batchmark)
