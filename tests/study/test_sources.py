import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchmark.errors import UserError
from batchmark.study import sources

Write = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a package `own` and give the fingerprint of its module `own.stage`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**modules: str) -> str:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        for cached in (sources.closure, sources._imports, sources.module_tree, sources._digest):
            cached.cache_clear()
        sources._path.cache_clear()
        importlib.invalidate_caches()
        sys.modules.pop("own", None)
        return sources.fingerprint(["own.stage"])

    return write


STAGE = (
    '"""Doc."""\nfrom own import helper\n\ndef main():\n    """Doc."""\n    return helper.value\n'
)


def test_follows_imports_and_names_the_modules(package: Write) -> None:
    text = package(stage=STAGE, helper="value = 1\n", unrelated="x = 1\n")
    assert [part.split(":")[0] for part in text.split()] == ["own", "own.helper", "own.stage"]


def test_code_counts_and_comments_do_not(package: Write) -> None:
    before = package(stage=STAGE, helper="value = 1\n")
    commented = package(stage=STAGE.replace("Doc", "Other"), helper="# why\nvalue  =  1\n")
    changed = package(stage=STAGE, helper="value = 2\n")
    assert commented == before
    assert changed != before
    # only the changed module's digest differs, so the reason names it
    assert changed.split()[0] == before.split()[0]
    assert changed.split()[2] == before.split()[2]


def test_another_python_does_not_change_it(package: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12 has a field more than 3.11: empty, but in functions of type parameters."""
    before = package(stage=STAGE, helper="value = 1\n")
    added = dict.fromkeys((*ast.FunctionDef._fields, "type_params"))
    monkeypatch.setattr(ast.FunctionDef, "_fields", tuple(added))
    monkeypatch.setattr(ast.FunctionDef, "type_params", [], raising=False)
    assert package(stage=STAGE, helper="value = 1\n") == before


def test_every_part_of_the_code_counts(package: Write) -> None:
    """A constant that is None, an empty argument list and a flag are told from others."""
    texts = ["x = None", "x = []", "x = 0", "x = f()", "x = f(None)", "x = f'{a!r}'", "x = f'{a}'"]
    found = [package(stage=f"{text}\n") for text in texts]
    assert len(set(found)) == len(texts)


def test_relative_and_nested_imports_count(package: Write) -> None:
    nested = "def main():\n    from .helper import value\n    return value\n"
    before = package(stage=nested, helper="value = 1\n")
    assert "own.helper:" in before


def test_missing_module_and_syntax_error_are_user_errors(package: Write) -> None:
    package(stage=STAGE, helper="value = 1\n")
    with pytest.raises(UserError, match=r"own\.nothing cannot be found"):
        sources.fingerprint(["own.nothing"])
    with pytest.raises(UserError, match=r"own\.helper, line 1"):
        package(stage=STAGE, helper="value = = 1\n")


def test_an_optimizers_code_concerns_only_its_variants() -> None:
    rprop = "batchmark.training.optimizers.rprop"
    assert rprop not in sources.closure("batchmark.stages.train")
    assert rprop + ":" in sources.fingerprint(["batchmark.stages.train", rprop])


def test_training_does_not_depend_on_words_statistics_or_the_clock() -> None:
    used = sources.closure("batchmark.stages.train")
    for foreign in ("batchmark.report", "batchmark.analysis", "batchmark.measuring.block"):
        assert not any(name.startswith(foreign) for name in used)


@pytest.mark.parametrize("stage", ["collect", "analyze", "plot", "render", "rebuild"])
def test_the_report_is_rebuilt_without_tensorflow(stage: str) -> None:
    used = sources.closure(f"batchmark.stages.{stage}")
    assert not any(name.startswith("batchmark.training") for name in used)
