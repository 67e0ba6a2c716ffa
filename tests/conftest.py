"""What the tests of several packages share: a finished micro run of the whole pipeline."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from batchmark.machine.facts import usable_threads
from batchmark.training import environment
from tests.workflow.checkout import Checkout, copy_project

# On a loaded machine any example may take longer than Hypothesis's 200 ms.
settings.register_profile("batchmark", deadline=None)
settings.load_profile("batchmark")

# TensorFlow reads its switches at import, whichever test imports it first.
if "tensorflow" not in sys.modules:
    environment.apply("cpu", threads=1)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than cores where tests of clusters, servers and kills wait."""
    return usable_threads() + (config.option.markexpr != "not slow")


# Whole pipelines, Snakemake, TensorFlow, browsers, simulations of claims and of scales.
SLOW_PLACES = (
    *("cluster", "docs", "own", "probing", "profiling", "storage"),
    *("training", "workflow"),
)
SLOW_MODULES = {
    "claims/test_error_rates.py",
    "plan/test_devices.py",
    "report/test_any_scale.py",
    "report/test_environment.py",
    *(f"stages/test_{stage}.py" for stage in ("probe", "profile", "time", "train")),
    *(f"timing/test_{part}.py" for part in ("calibration", "flops", "processes", "timer")),
}
SLOW_FIXTURES = {"browser", "checkout", "fresh", "finished"}


def _is_slow(path: Path) -> bool:
    place = path.relative_to(Path(__file__).parent)
    return place.parts[0] in SLOW_PLACES or place.as_posix() in SLOW_MODULES


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is left out: TensorFlow alone takes seconds in every worker."""
    left_out = config.option.markexpr == "not slow" and collection_path.suffix == ".py"
    return True if left_out and _is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make check` leaves out, and begin with it, so that no long test is the last."""
    for item in items:
        if _is_slow(item.path) or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this test run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def finished(shared_folder: Path) -> Checkout:
    """A checkout with a finished micro run, one for all workers; copy it before changing it."""
    folder = shared_folder / "finished"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            checkout = copy_project(folder)
            result = checkout.snakemake(VERBOSE="")
            (folder / ".locks/terminal.txt").write_text(result.stderr, encoding="utf-8")
            if result.returncode != 0:
                shutil.rmtree(folder)
                pytest.fail(result.stdout + result.stderr)
    return Checkout(folder)


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
