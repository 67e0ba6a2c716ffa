"""A module's user gets batchmark's start, end and failures by calling its hooks."""

from pathlib import Path

from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from tests.own.project import Project
from tests.training.tiny import without_clock
from tests.workflow.running import follow, held, running, said, stages

MISTAKES = {
    "raises": "could not be built for images of shape (12, 10, 3): RuntimeError: the weights",
    "narrow": "expected one logit for each of the 3 classes",
}


def _forget_a_run(project: Project) -> Path:
    (run,) = project.folder.glob("results/local/cpu/runs/mlp-sgd-*.json")
    run.unlink()
    return run.relative_to(project.folder)


def test_a_killed_project_starts_again_and_keeps_a_rival_out(
    project: Project, finished_project: Project
) -> None:
    lost = _forget_a_run(project)
    with running(project, str(lost)) as killed:
        follow(killed, lambda: list(stages(project.folder, "stages.train")))
        killed.kill()
        killed.wait()
    # Its orphans may work on while the next one starts.
    with running(project, str(lost)) as again:
        with held(again, project):
            rival = project.snakemake("--forcerun", "render")
        words = rival.stdout + rival.stderr
        assert rival.returncode != 0
        assert "Another Snakemake works in this folder; wait until it ends." in words
        assert "Traceback" not in words
        assert again.wait() == 0, said(project)
    made, undisturbed = (
        read_result(each.folder / lost, RunResult) for each in (project, finished_project)
    )
    assert without_clock(made) == without_clock(undisturbed)


def test_a_failing_variant_stops_no_other_and_is_named_at_the_end(project: Project) -> None:
    study = "config/studies/width.yaml"
    bad = '["mypackage.models:raises", "mypackage.models:narrow"]'
    # Without a session, which the new models would ask for anew.
    more = f"  - {{model: mlp}}\n  - {{model: {bad}}}\nrounds: 0\n"
    project.edit(study, "  - {model: mlp}\n", more)
    _forget_a_run(project)
    result = project.snakemake()
    words = result.stdout + result.stderr
    assert result.returncode == 1
    assert "2 failed:\n  sgd, batch 20, mypackage.models:" in words, words
    for name, sentence in MISTAKES.items():
        assert sentence in words
        (log,) = project.folder.glob(f"logs/train/cpu/{name}-*.log")
        assert sentence in log.read_text().splitlines()[-1]
        assert "Traceback" not in log.read_text()
        assert not list(project.folder.glob(f"results/local/cpu/runs/{name}-*"))
    assert len(list(project.folder.glob("results/local/cpu/runs/mlp-sgd-*.json"))) == 1
    page = project.folder / "reports" / "partial" / "index.html"
    assert "Partial: this is not the report." in page.read_text(encoding="utf-8")


def test_rules_under_other_names_have_the_same_hooks(project: Project) -> None:
    """Also where the profile is not linked but named."""
    project.edit("Snakefile", "use rule * from batchmark", "use rule * from batchmark as bm_*")
    profile = project.batchmark.folder / "profiles" / "default"
    (project.folder / "profiles").unlink()
    (project.folder / "reports" / "index.html").unlink()
    partial = project.folder / "reports" / "partial"
    partial.mkdir()
    result = project.snakemake("--workflow-profile", str(profile))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "rule bm_render:" in result.stdout + result.stderr
    assert not partial.exists()
