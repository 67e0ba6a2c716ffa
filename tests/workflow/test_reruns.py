"""Only what changed runs again: changes to a finished run, and the exact jobs that follow.

Snakemake itself is asked, about one change of a kind; test_edit_matrix.py has each alone.

A dry run names what may run: behind tables that come out as they were, nothing does.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.workflow.checkout import MICRO, Checkout, Configured, copy_project
from tests.workflow.jobs import (
    AFTER_ANALYZE,
    AFTER_COLLECT,
    figures,
    probes,
    runs,
    timings,
)


def without_optimizers(checkout: Checkout, tmp_path: Path) -> Checkout:
    """The micro configuration without one of its studies, in place of the original."""
    content = yaml.safe_load(MICRO.read_text())
    content["studies"]["optimizer"] = None
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(content, sort_keys=False))
    return Configured(checkout.folder, changed)


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


def test_words_looks_a_figure_and_a_rule(checkout: Checkout) -> None:
    catalogue = "src/batchmark/report/catalogue.py"
    checkout.edit("config/studies/batch_size.yaml", "Which batch size", "What batch size")
    checkout.edit("src/batchmark/report/claim_words.py", "Momentum speeds up", "Momentum hastens")
    checkout.edit(catalogue, "How does the error fall?", "How do errors fall?")
    report = checkout.folder / "workflow" / "report"
    for path in sorted(p for p in report.rglob("*") if p.is_file()):
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    for code in ("report/figures/accuracy.py", "claims/optimizers.py"):
        file = checkout.folder / "src/batchmark" / code
        file.write_text(file.read_text() + "\nCHANGED = True\n")
    drawn = {"plot test_error", "plot learning_curves"}
    assert checkout.planned() == {"judge", "render"} | drawn


def test_a_figure_is_missing(checkout: Checkout) -> None:
    """As a kill leaves it: Snakemake alone makes nothing that the page does not need."""
    (checkout.folder / "reports/figures/throughput.svg").unlink()
    assert checkout.planned() == {"plot throughput", "render"}


def test_a_table_is_missing(checkout: Checkout) -> None:
    (checkout.folder / "results/tables/noise.csv").unlink()
    assert checkout.planned() == AFTER_ANALYZE | figures(checkout)


def test_a_statistic(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/statistics/summary.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == AFTER_ANALYZE | figures(checkout)
    # The tables come out byte for byte as they were, and nothing is made of them again.
    assert checkout.jobs() == {"analyze"}
    assert checkout.planned() == set()
    # Then one does not.
    checkout.edit("src/batchmark/statistics/published.csv", "5000,200,1999,1,", "5000,200,1999,2,")
    assert checkout.jobs("reports/figures/profile.svg") == {"analyze", "plot profile"}


def test_code_of_training(checkout: Checkout) -> None:
    file = checkout.folder / "src/batchmark/training/optimizers/rprop.py"
    file.write_text(file.read_text() + "\nCHANGED = True\n")
    assert checkout.planned() == runs(checkout, "rprop") | AFTER_COLLECT | figures(checkout)


def test_study_removed(checkout: Checkout, tmp_path: Path) -> None:
    changed = without_optimizers(checkout, tmp_path)
    measured = {job for job in changed.planned() if job.startswith(("train", "time", "probe"))}
    assert measured == set()
    assert "collect" in changed.planned()


def test_clean_stale_lists_before_it_removes(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = without_optimizers(checkout, tmp_path)
    timings = checkout.folder / "results/local/cpu/timings"
    shutil.copy(timings / "batch_size.json", timings / "optimizer.json")
    stale = [
        *checkout.folder.glob("results/local/cpu/runs/mlp-[ar]*.json"),
        *checkout.folder.glob("scratch/cpu/mlp-[ar]*"),
        timings / "optimizer.json",
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
