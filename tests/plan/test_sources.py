import ast
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import MODELS, Hyperparameters
from batchmark.plan import fingerprint as sources

Write = Callable[..., str]


def _forget() -> None:
    """Forget what was read, as a new process does."""
    for cached in (sources.closure, sources._imports, sources._source, sources._digest):
        cached.cache_clear()
    sources._path.cache_clear()
    sources._holds_distributions.cache_clear()
    importlib.invalidate_caches()


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
        _forget()
        sys.modules.pop("own", None)
        return sources.fingerprint(["own.stage"])

    return write


STAGE = (
    '"""Doc."""\nfrom own import helper\n\ndef main():\n    """Doc."""\n    return helper.value\n'
)


def test_follows_imports_and_names_the_modules(package: Write) -> None:
    text = package(stage=STAGE, helper="value = 1\n", unrelated="x = 1\n")
    assert [part.split(":")[0] for part in text.split()] == ["own.helper", "own.stage"]


def test_code_counts_and_comments_do_not(package: Write) -> None:
    before = package(stage=STAGE, helper="value = 1\n")
    commented = package(stage=STAGE.replace("Doc", "Other"), helper="# why\nvalue  =  1\n")
    changed = package(stage=STAGE, helper="value = 2\n")
    assert commented == before
    assert changed != before
    # only the changed module's digest differs, so the reason names it
    assert changed.split()[0] != before.split()[0]
    assert changed.split()[1] == before.split()[1]


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
    with pytest.raises(UserError, match=r"models\.py cannot .* without its ending: models\.$"):
        sources.fingerprint(["models.py"])
    with pytest.raises(UserError, match=r"own\.helper, line 1"):
        package(stage=STAGE, helper="value = = 1\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write files of a project and give the fingerprint of the module `root`."""
    folder = tmp_path / "project"
    monkeypatch.syspath_prepend(str(folder))

    def write(root: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            times = (folder / name).stat() if (folder / name).exists() else None
            (folder / name).write_text(text)
            if times:
                os.utime(folder / name, ns=(times.st_atime_ns, times.st_mtime_ns))
        _forget()
        return sources.fingerprint([root])

    return write


MODEL = "def build(image_shape, classes):\n    return {}\n"


@pytest.mark.parametrize(
    ("imports", "helper"),
    [
        ("from blocks_beside import WIDTH", "blocks_beside.py"),
        ("import blocks_beside", "blocks_beside.py"),
        ("from ownpkg.sub.helper import WIDTH", "ownpkg/sub/helper.py"),
        ("from .helper import WIDTH", "ownpkg/sub/helper.py"),
        ("from ..helper import WIDTH", "ownpkg/helper.py"),
        ("def late():\n    from . import helper", "ownpkg/sub/helper.py"),
        ("import importlib\nimportlib.import_module('ownpkg.helper')", "ownpkg/helper.py"),
        ("from importlib import import_module\nimport_module('.helper', __package__)",
         "ownpkg/sub/helper.py"),
        ("from other_package import helper", "other_package/helper.py"),
        ("", "ownpkg/sub/__init__.py"),
        ("", "ownpkg/__init__.py"),
        ("DEPENDS_ON = ['words.json']", "ownpkg/sub/words.json"),
        ("DEPENDS_ON = ['../words.json']", "ownpkg/words.json"),
        ("from pathlib import Path\nPath(__file__).with_name('words.json')",
         "ownpkg/sub/words.json"),
    ],
)  # fmt: skip
def test_what_an_own_model_uses_counts(
    project: Callable[..., str], imports: str, helper: str
) -> None:
    """Its content, whatever the file's time says."""
    root = "ownpkg.sub.deep"
    packages = {f"{name}/__init__.py": "" for name in ("ownpkg", "ownpkg/sub", "other_package")}
    model = {"ownpkg/sub/deep.py": f"{imports}\n{MODEL.format('WIDTH')}"}
    before = project(root, {**packages, helper: "WIDTH = 1\n", **model})
    assert project(root, {helper: "WIDTH = 1\n"}) == before
    assert project(root, {helper: "WIDTH = 2\n"}) != before
    assert project(root, {"unrelated.py": "WIDTH = 3\n", helper: "WIDTH = 1\n"}) == before


def test_what_was_installed_into_a_folder_of_any_name_is_not_own(
    project: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip install --target`, or a cluster's modules through PYTHONPATH."""
    (tmp_path / "modules/library-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "modules/library.py").write_text("WIDTH = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    assert project("uses_it", {"uses_it.py": "import library\n"}).startswith("uses_it:")


def test_flat_modules_beside_each_other(project: Callable[..., str]) -> None:
    files = {"flat_models.py": "import flat_blocks\n", "flat_blocks.py": "import flat_last\n"}
    before = project("flat_models", {**files, "flat_last.py": "x = 1\n"})
    assert [part.split(":")[0] for part in before.split()] == [
        *("flat_blocks", "flat_last", "flat_models")
    ]
    assert project("flat_models", {"flat_last.py": "x = 2\n"}) != before


def test_a_declared_file_that_is_missing_is_named(project: Callable[..., str]) -> None:
    with pytest.raises(UserError, match=r"lost_words: DEPENDS_ON names 'gone\.json'"):
        project("lost_words", {"lost_words.py": "DEPENDS_ON = ['gone.json']\n"})


def test_a_data_file_of_the_package_counts() -> None:
    for module, names in {
        "statistics.study_data": ["published.csv", "reference.csv"],
        "claims.verdicts": ["reference.csv", "rules.csv"],
    }.items():
        files = sources._files(f"batchmark.{module}")
        assert sorted(path.name for path in files) == names


# What a result depends on, beside the model's, the optimizer's and the normalization's module.
# Each of them can cost days of training: think twice before the list grows.
EVERY = {
    "stages",
    *("contract.record", "contract.requests.message", "dataset.arrays", "dataset.npz"),
    *("machine.processor", "training.data", "training.environment", "training.model"),
    *("training.optimizers.catalogue", "training.plugins", "training.session"),
}
KERNELS = {
    *("training.kernels.choice", "training.kernels.layers", "training.kernels.network"),
    *("training.kernels.session", "training.kernels.vectors"),
}
TRAIN = EVERY | KERNELS | {
    *("stages.train", "contract.requests.budget", "contract.requests.train", "contract.run"),
    *("training.racing", "training.run", "training.summaries", "training.trial"),
}  # fmt: skip
TIME = EVERY | {
    *("stages.time", "contract.requests.budget", "contract.requests.time", "contract.timing"),
    *("machine.facts", "timing.arithmetic", "timing.footprint", "timing.loops", "timing.process"),
    *("timing.protocol", "timing.session", "timing.warnings"),
}  # fmt: skip
PROBE = EVERY | KERNELS | {
    *("stages.probe", "contract.requests.budget", "contract.requests.probe"),
    *("contract.gradients", "probing.probe", "training.summaries"),
}  # fmt: skip
PROFILE = EVERY | {
    *("stages.profile", "contract.requests.profile", "contract.profile", "machine.facts"),
    *("profiling.profile", "profiling.trace"),
}


@pytest.mark.parametrize(
    ("stage", "modules"),
    [("train", TRAIN), ("time", TIME), ("probe", PROBE), ("profile", PROFILE)],
)
def test_what_can_cost_days(stage: str, modules: set[str]) -> None:
    used = sources.closure(f"batchmark.stages.{stage}") - sources.BY_VALUE
    assert {name.removeprefix("batchmark.") for name in used} == modules


def test_an_optimizers_code_concerns_only_its_variants() -> None:
    rprop = "batchmark.training.optimizers.rprop"
    assert rprop not in sources.closure("batchmark.stages.train")
    assert rprop + ":" in sources.fingerprint(["batchmark.stages.train", rprop])


@pytest.mark.parametrize("model", MODELS)
def test_a_models_code_concerns_only_its_variants(model: str) -> None:
    """Of the models that have no module for themselves, a family's."""
    families = {**dict.fromkeys(("sda", "dbn"), "pretrained"),
                **dict.fromkeys(("lstm", "gru", "mut1", "mut2", "mut3"), "recurrent")}  # fmt: skip
    (module,) = sources.modules_used(Hyperparameters(model=model))
    assert module == f"batchmark.training.models.{families.get(model, model)}"
    used = sources.closure(module) - sources.closure("batchmark.stages.train")
    assert used == {module}


def test_training_does_not_depend_on_words_statistics_or_the_clock() -> None:
    used = sources.closure("batchmark.stages.train")
    for foreign in ("batchmark.report", "batchmark.statistics", "batchmark.timing"):
        assert not any(name.startswith(foreign) for name in used)


@pytest.mark.parametrize("stage", ["collect", "analyze", "plot", "render", "partial"])
def test_the_report_is_rebuilt_without_tensorflow(stage: str) -> None:
    used = sources.closure(f"batchmark.stages.{stage}")
    assert not any(name.startswith("batchmark.training") for name in used)
