"""What the tests of several packages share: a finished micro run of the whole pipeline."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from batchmark.measuring.machine import usable_threads
from batchmark.training import switches
from tests.workflow.checkout import Checkout, copy_project

# On a loaded machine any example may take longer than Hypothesis's 200 ms.
settings.register_profile("batchmark", deadline=None)
settings.load_profile("batchmark")

# TensorFlow reads its switches at import, whichever test imports it first.
if "tensorflow" not in sys.modules:
    switches.apply("cpu", threads=1)


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores: tests of clusters, servers and kills mostly wait."""
    return usable_threads() + 1


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with a finished micro run; copy it before changing it."""
    checkout = copy_project(tmp_path_factory.mktemp("finished"))
    result = checkout.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return checkout


@pytest.fixture
def checkout(finished: Checkout, tmp_path: Path) -> Checkout:
    """An own copy of the finished micro run, times of files included."""
    folder = tmp_path / "checkout"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Checkout(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Checkout]:
    """Make checkouts in which nothing has run."""
    made: list[Checkout] = []

    def make() -> Checkout:
        made.append(copy_project(tmp_path / f"fresh{len(made)}"))
        return made[-1]

    return make
