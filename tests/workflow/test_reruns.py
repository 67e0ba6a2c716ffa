"""Only what changed runs again: one change to a finished run, and the exact jobs that follow."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.workflow.checkout import Checkout

FIGURE_CODE = "src/batchmark/report/figures"
AFTER_ANALYZE = {"analyze", "render"}
AFTER_COLLECT = {"collect", *AFTER_ANALYZE}


def _figures(checkout: Checkout) -> set[str]:
    return {f"plot {path.stem}" for path in (checkout.folder / "reports/figures").glob("*.svg")}


def _runs(checkout: Checkout, *words: str) -> set[str]:
    names = [p.stem for p in (checkout.folder / "results/local/cpu/runs").glob("*.json")]
    return {f"train {name}" for name in names if all(word in name for word in words)}


def _overlay(checkout: Checkout, tmp_path: Path, **changes: object) -> Checkout:
    """The micro configuration with changed sections, in place of the original."""
    file = checkout.folder / "config" / "micro.yaml"
    content = yaml.safe_load(file.read_text())
    for section, values in changes.items():
        old = content.get(section)
        merged = {**old, **values} if isinstance(old, dict) and isinstance(values, dict) else values
        content[section] = merged
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(content))
    return _Overlaid(checkout.folder, changed)


class _Overlaid(Checkout):
    """A checkout whose Snakemake runs with another overlay."""

    def __init__(self, folder: Path, overlay: Path) -> None:
        super().__init__(folder)
        object.__setattr__(self, "overlay", overlay)

    def command(self, config: Path = Path()) -> list[str]:
        return super().command(self.overlay)  # type: ignore[attr-defined]


def test_nothing_changed(checkout: Checkout) -> None:
    assert checkout.planned() == set()


def test_every_file_touched(checkout: Checkout) -> None:
    for path in checkout.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts and "results" not in path.parts:
            path.touch()
    assert checkout.planned() == set()


def test_fresh_checkout_with_the_same_content(checkout: Checkout, tmp_path: Path) -> None:
    # Without the times of files, as after a clone or a copy to another disk.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(checkout.folder, elsewhere, copy_function=shutil.copyfile)
    assert Checkout(elsewhere).planned() == set()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("config/studies/batch_size.yaml", "Which batch size", "What batch size"),
        ("workflow/report/style.css", "{", "{ /* changed */"),
    ],
)
def test_words_and_looks(checkout: Checkout, path: str, old: str, new: str) -> None:
    checkout.edit(path, old, new)
    assert checkout.planned() == {"render"}


def test_templates_scripts_and_translations(checkout: Checkout) -> None:
    report = checkout.folder / "workflow" / "report"
    for path in sorted(p for p in report.rglob("*") if p.is_file()):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert checkout.planned() == {"render"}


def test_code_of_a_figure(checkout: Checkout) -> None:
    file = checkout.folder / FIGURE_CODE / "throughput.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == {"plot throughput", "render"}


def test_target(checkout: Checkout, tmp_path: Path) -> None:
    changed = _overlay(checkout, tmp_path, targets={"sample": [0.4, 0.3]})
    assert changed.planned() == AFTER_ANALYZE | _figures(checkout)


def test_one_more_batch_size(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["batch_size"], "grids": [{"batch_size": [50, 100, 250]}]}
    changed = _overlay(checkout, tmp_path, studies={"batch_size": study})
    planned = changed.planned()
    trained = {job for job in planned if job.startswith("train")}
    assert len(trained) == 1
    assert "bs250" in next(iter(trained))
    assert planned - trained == {"time batch_size", *AFTER_COLLECT} | _figures(checkout)


def test_one_seed_more(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["optimizer"], "trials": 2}
    changed = _overlay(checkout, tmp_path, studies={"optimizer": study})
    runs = _runs(checkout) - _runs(checkout, "bs50")
    assert changed.planned() == runs | AFTER_COLLECT | _figures(checkout)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("src/batchmark/training/optimizers/rprop.py", ["rprop"]),
        ("src/batchmark/training/models/lenet5.py", ["lenet5"]),
        ("src/batchmark/training/models/mlp.py", ["mlp"]),
        ("src/batchmark/training/session.py", []),
        ("src/batchmark/dataset/arrays.py", []),
    ],
)
def test_code_of_training(checkout: Checkout, path: str, words: list[str]) -> None:
    file = checkout.folder / path
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    trained = {job for job in checkout.planned() if job.startswith("train")}
    assert trained == _runs(checkout, *words)


def test_code_of_measuring(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/measuring/block.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    timings = {"time batch_size", "time optimizer"}
    assert checkout.planned() == timings | AFTER_COLLECT | _figures(checkout)


def test_epochs_raised(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["optimizer"], "epochs": 2}
    planned = _overlay(checkout, tmp_path, studies={"optimizer": study}).planned()
    probes = {job for job in planned if job.startswith("probe")}
    runs = _runs(checkout) - _runs(checkout, "bs50")
    assert planned == runs | probes | AFTER_COLLECT | _figures(checkout)


def test_study_removed(checkout: Checkout, tmp_path: Path) -> None:
    changed = _overlay(checkout, tmp_path, studies={"optimizer": None})
    measured = {job for job in changed.planned() if job.startswith(("train", "time", "probe"))}
    assert measured == set()
    assert "collect" in changed.planned()


def test_comments_and_formatting(checkout: Checkout) -> None:
    for path in (checkout.folder / "src").rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    assert checkout.planned() == set()


def test_data_replaced(checkout: Checkout) -> None:
    checkout.edit("data/mnist.json", '"digest": "', '"digest": "0')
    planned = checkout.planned()
    everything = _runs(checkout) | {"time batch_size", "time optimizer"} | AFTER_COLLECT
    assert everything <= planned
    assert "download" not in planned
