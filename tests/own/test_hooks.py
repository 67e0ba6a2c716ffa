"""A module's user gets batchmark's start, end and failures by calling its hooks."""

import shutil

import pytest

from tests.own.project import Project
from tests.workflow.running import follow, held, running, said, stages


def _forget_a_run(project: Project) -> None:
    min(project.folder.glob("results/local/cpu/runs/mlp-*.json")).unlink()


def test_a_killed_project_starts_again_and_keeps_a_rival_out(project: Project) -> None:
    _forget_a_run(project)
    with running(project) as killed:
        follow(killed, lambda: list(stages(project.folder, "stages.train")))
        killed.kill()
        killed.wait()
    with running(project) as again:
        with held(again, project, "stages.train"):
            rival = project.snakemake("--forcerun", "render")
        assert "Another Snakemake works in this folder" in rival.stdout + rival.stderr
        assert again.wait() == 0, said(project)
    assert project.planned() == set()


@pytest.mark.parametrize("linked", [True, False])
def test_a_failing_variant_stops_no_other_and_is_named_at_the_end(
    project: Project, linked: bool
) -> None:
    study = "config/studies/width.yaml"
    added = '  - {model: mlp}\n  - {model: ["mypackage.models:raises"]}\n'
    project.edit(study, "  - {model: mlp}\n", added)
    _forget_a_run(project)
    profile = project.batchmark.folder / "profiles" / "default"
    if not linked:
        (project.folder / "profiles").unlink()
    result = project.snakemake(*([] if linked else ["--workflow-profile", str(profile)]))
    words = result.stdout + result.stderr
    assert result.returncode == 1
    assert "1 failed:\n  train: variant raises-" in words, words
    assert "RuntimeError: the weights are at home" in words
    assert len(list(project.folder.glob("results/local/cpu/runs/mlp-*.json"))) == 1
    page = project.folder / "reports" / "partial" / "index.html"
    assert "Partial: this is not the report." in page.read_text(encoding="utf-8")


def test_rules_under_other_names_have_the_same_hooks(project: Project) -> None:
    project.edit("Snakefile", "use rule * from batchmark", "use rule * from batchmark as bm_*")
    shutil.rmtree(project.folder / "results" / "tables")
    partial = project.folder / "reports" / "partial"
    partial.mkdir()
    result = project.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    assert not partial.exists()
