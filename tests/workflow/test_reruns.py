"""Only what changed runs again: one change to a finished run, and the exact jobs that follow.

A dry run names what may run: behind tables that come out as they were, nothing does.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.workflow.checkout import Checkout, copy_project
from tests.workflow.jobs import (
    AFTER_ANALYZE,
    AFTER_COLLECT,
    AFTER_JUDGE,
    figures,
    probes,
    runs,
    timings,
)

FIGURE_CODE = "src/batchmark/report/figures"


def _overlay(checkout: Checkout, tmp_path: Path, **changes: object) -> Checkout:
    """The micro configuration with changed sections, in place of the original."""
    file = checkout.folder / "config" / "micro.yaml"
    content = yaml.safe_load(file.read_text())
    for section, values in changes.items():
        old = content.get(section)
        merged = {**old, **values} if isinstance(old, dict) and isinstance(values, dict) else values
        content[section] = merged
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(content, sort_keys=False))
    return _Overlaid(checkout.folder, changed)


@dataclass(frozen=True)
class _Overlaid(Checkout):
    """A checkout whose Snakemake runs with another overlay."""

    overlay: Path

    def command(self, config: Path = Path()) -> list[str]:
        return super().command(self.overlay)


def test_every_file_touched(checkout: Checkout) -> None:
    for path in checkout.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert checkout.planned() == set()


def test_fresh_checkout_with_the_same_content(checkout: Checkout, tmp_path: Path) -> None:
    # Without the times of files, as after a clone or a copy to another disk.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(checkout.folder, elsewhere, copy_function=shutil.copyfile)
    assert Checkout(elsewhere).planned() == set()


def test_results_in_a_clone_without_snakemakes_records(checkout: Checkout, tmp_path: Path) -> None:
    # Nothing is known but times: the sources are the newest, and the page is made from some.
    clone = copy_project(tmp_path / "clone")
    for made in ("data", "results", "reports"):
        shutil.copytree(checkout.folder / made, clone.folder / made)
    for path in (clone.folder / "workflow").rglob("*.*"):
        path.touch()
    assert clone.planned() == {"render"}


def test_words_and_looks(checkout: Checkout) -> None:
    """All at once; one by one in test_edit_matrix.py."""
    catalogue = "src/batchmark/report/catalogue.py"
    checkout.edit("config/studies/batch_size.yaml", "Which batch size", "What batch size")
    checkout.edit("src/batchmark/report/claim_words.py", "Momentum speeds up", "Momentum hastens")
    checkout.edit(catalogue, "How does the error fall?", "How do errors fall?")
    report = checkout.folder / "workflow" / "report"
    for path in sorted(p for p in report.rglob("*") if p.is_file()):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert checkout.planned() == {"render"}


def test_code_of_a_figure(checkout: Checkout) -> None:
    file = checkout.folder / FIGURE_CODE / "accuracy.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == {"plot test_error", "plot learning_curves", "render"}


def test_a_figure_is_missing(checkout: Checkout) -> None:
    """As a kill leaves it: Snakemake alone makes nothing that the page does not need."""
    (checkout.folder / "reports/figures/throughput.svg").unlink()
    assert checkout.planned() == {"plot throughput", "render"}


def test_a_table_is_missing(checkout: Checkout) -> None:
    (checkout.folder / "results/tables/noise.csv").unlink()
    assert checkout.planned() == AFTER_ANALYZE | figures(checkout)


def test_target(checkout: Checkout, tmp_path: Path) -> None:
    changed = _overlay(checkout, tmp_path, targets={"sample": [0.4, 0.3]})
    assert changed.planned() == AFTER_ANALYZE | AFTER_JUDGE | figures(checkout)


def test_a_statistic(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/statistics/choices.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == AFTER_ANALYZE | figures(checkout)
    # The tables come out byte for byte as they were, and nothing is made of them again.
    assert checkout.jobs() == {"analyze"}
    assert checkout.planned() == set()
    # Then one does not.
    checkout.edit("src/batchmark/statistics/published.csv", "5000,200,1999,1,", "5000,200,1999,2,")
    assert checkout.jobs("reports/figures/profile.svg") == {"analyze", "plot profile"}


def test_a_claims_rule(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/claims/optimizers.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == AFTER_JUDGE


def test_one_more_batch_size(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["batch_size"], "grids": [{"batch_size": [50, 100, 250]}]}
    changed = _overlay(checkout, tmp_path, studies={"batch_size": study})
    planned = changed.planned()
    trained = {job for job in planned if job.startswith("train")}
    assert len(trained) == 1
    assert "bs250" in next(iter(trained))
    assert planned - trained == {"time batch_size", *AFTER_COLLECT} | figures(checkout)


def test_one_seed_more(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["optimizer"], "trials": 2}
    changed = _overlay(checkout, tmp_path, studies={"optimizer": study})
    trained = runs(checkout) - runs(checkout, "bs50")
    assert changed.planned() == trained | AFTER_COLLECT | figures(checkout)


@pytest.mark.parametrize(
    ("path", "variants", "timed", "probed"),
    [
        ("src/batchmark/training/optimizers/rprop.py", "rprop", ["optimizer"], False),
        ("src/batchmark/training/session.py", "", ["batch_size", "optimizer"], True),
    ],
)
def test_code_of_training(
    checkout: Checkout, path: str, variants: str, timed: list[str], probed: bool
) -> None:
    file = checkout.folder / path
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    work = runs(checkout, variants) | {f"time {study}" for study in timed}
    work |= probes(checkout) if probed else set()
    assert checkout.planned() == work | AFTER_COLLECT | figures(checkout)


def test_code_of_measuring(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/timing/protocol.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == timings(checkout) | AFTER_COLLECT | figures(checkout)


def test_epochs_raised(checkout: Checkout, tmp_path: Path) -> None:
    content = yaml.safe_load((checkout.folder / "config" / "micro.yaml").read_text())
    study = {**content["studies"]["optimizer"], "epochs": 2}
    planned = _overlay(checkout, tmp_path, studies={"optimizer": study}).planned()
    trained = runs(checkout) - runs(checkout, "bs50")
    assert planned == trained | probes(checkout) | AFTER_COLLECT | figures(checkout)


def test_study_removed(checkout: Checkout, tmp_path: Path) -> None:
    changed = _overlay(checkout, tmp_path, studies={"optimizer": None})
    measured = {job for job in changed.planned() if job.startswith(("train", "time", "probe"))}
    assert measured == set()
    assert "collect" in changed.planned()


def test_clean_stale_lists_before_it_removes(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = _overlay(checkout, tmp_path, studies={"optimizer": None})
    stale = [
        *checkout.folder.glob("results/local/cpu/runs/mlp-[ar]*.json"),
        *checkout.folder.glob("scratch/cpu/mlp-[ar]*"),
        checkout.folder / "results/local/cpu/timings/optimizer.json",
    ]
    kept = [*checkout.folder.glob("results/local/cpu/runs/mlp-sgd*.json")]
    assert (len(stale), len(kept)) == (5, 2)
    listed = changed.snakemake("clean_stale")
    assert all(str(path.relative_to(checkout.folder)) in listed.stdout + listed.stderr
               for path in stale)  # fmt: skip
    assert "5 stale files found" in listed.stdout + listed.stderr
    assert all(path.exists() for path in stale)
    monkeypatch.setenv("DELETE", "1")
    assert changed.snakemake("clean_stale").returncode == 0
    assert not any(path.exists() for path in stale)
    assert all(path.exists() for path in kept)


def test_comments_formatting_and_code_that_nothing_uses(checkout: Checkout) -> None:
    for path in (checkout.folder / "src").rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    unused = checkout.folder / "src/batchmark/training/models/lenet5.py"
    unused.write_text(unused.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == set()


def test_data_replaced(checkout: Checkout) -> None:
    checkout.edit("data/mnist.json", '"digest": "', '"digest": "0')
    work = runs(checkout) | timings(checkout) | probes(checkout)
    assert checkout.planned() == work | AFTER_COLLECT | figures(checkout)
