"""The order of the house: folders in the order of the data, and few rooms."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import batchmark
from tests.conftest import ALONE, FIRST, SLOW_MODULES, SLOW_PLACES

ROOT = Path(batchmark.__file__).parent
# Each imports only what stands before it.
ORDER = (
    *("contract", "machine", "dataset", "training", "timing", "probing", "profiling"),
    *("collecting", "statistics", "claims", "report", "plan", "publishing", "stages"),
)
MOST_MODULES = 168


def imported_folders(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("batchmark."):
            yield str(node.module).split(".")[1]


def test_no_folder_imports_one_that_comes_after_it() -> None:
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} == {*ORDER}
    for place, folder in enumerate(ORDER):
        for path in (ROOT / folder).rglob("*.py"):
            assert {*imported_folders(path)} <= {*ORDER[: place + 1]}, path


def test_there_are_few_rooms() -> None:
    modules = [path for path in ROOT.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES


def test_the_order_is_the_one_that_readers_are_shown() -> None:
    text = (ROOT.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = [text.index(f"src/batchmark/{folder}/") for folder in ORDER]
    assert all(before < after for before, after in pairwise(places))


def test_tests_that_are_named_are_there_and_those_that_go_alone_share_nothing() -> None:
    tests = Path(__file__).parent
    named = {*FIRST, *ALONE, *SLOW_MODULES, *SLOW_PLACES}
    assert {name for name in named if not (tests / name).exists()} == set()
    # What a module shares would be made once more in every process.
    shared = {name for name in ALONE if 'scope="' in (tests / name).read_text(encoding="utf-8")}
    assert shared == set()
