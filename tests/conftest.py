"""What the tests of several packages share: a finished micro run of the whole pipeline."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from batchmark.machine.facts import usable_threads
from batchmark.machine.garbage import collect_seldom
from batchmark.training import environment
from tests.workflow.checkout import Checkout, copy_project
from tests.workflow.preloaded import pytest_exception_interact

__all__ = ["pytest_exception_interact"]

# On a loaded machine any example may take longer than Hypothesis's 200 ms.
settings.register_profile("batchmark", deadline=None)
settings.load_profile("batchmark")

# As every stage does.
collect_seldom()

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
    "report/test_any_scale.py",
    "report/test_environment.py",
    *(f"stages/test_{stage}.py" for stage in ("probe", "profile", "time", "train")),
    *(f"timing/test_{part}.py" for part in ("calibration", "flops", "processes", "timer")),
}
SLOW_FIXTURES = {"browser", "checkout", "fresh", "finished"}
# The longest first, so that none of them is the last. Slurm and the tutorial wait for the finished
# run, which the next ones do without.
FIRST = (
    *("cluster/test_slurm.py", "docs/test_tutorial.py", "storage/test_s3.py"),
    *("training/test_run.py", "workflow/test_leaks.py", "docs/test_recommend.py"),
    *("report/test_browser.py", "training/test_session.py", "workflow/test_kills.py"),
    *("stages/test_train.py", "workflow/test_partial.py", "workflow/test_faults.py"),
    *("own/test_module.py", "own/test_hooks.py", "stages/test_time.py"),
)
# Tests that share no fixture of their module, each of which is long enough to go alone.
ALONE = {
    *("docs/test_extending.py", "docs/test_gallery.py", "own/test_hooks.py"),
    *(f"workflow/test_{part}.py" for part in ("faults", "kills", "partial")),
}


def _is_slow(path: Path) -> bool:
    place = _place(path)
    return place in SLOW_MODULES or place.partition("/")[0] in SLOW_PLACES


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is left out: TensorFlow alone takes seconds in every worker."""
    left_out = config.option.markexpr == "not slow" and collection_path.suffix == ".py"
    return True if left_out and _is_slow(collection_path) else None


class Scheduling(LoadScopeScheduling):
    """A module's tests go to one process together, but for those of `ALONE`."""

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return nodeid if module.removeprefix("tests/") in ALONE else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How `make test` spreads the tests."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make check` leaves out, and begin with it, so that no long test is the last."""
    for item in items:
        if _is_slow(item.path) or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, _turn(item.path)))


def _turn(path: Path) -> int:
    place = _place(path)
    return FIRST.index(place) if place in FIRST else len(FIRST)


def _place(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).as_posix()


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
