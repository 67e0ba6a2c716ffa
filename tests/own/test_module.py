"""Own data, model, optimizer and study, with batchmark as a module of another workflow."""

import csv
import json

import numpy as np

from tests.own.project import Project, squares


def _runs(project: Project, *words: str) -> set[str]:
    names = [path.stem for path in project.folder.glob("results/local/cpu/runs/*.json")]
    return {f"train {name}" for name in names if all(word in name for word in words)}


def _figures(project: Project) -> set[str]:
    return {f"plot {path.stem}" for path in project.folder.glob("reports/figures/*.svg")}


def _table(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / "results" / "tables" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_report_is_made_from_own_data(finished_project: Project) -> None:
    facts = json.loads((finished_project.folder / "data" / "squares.json").read_text())["facts"]
    assert facts["name"] == "squares"
    assert (facts["train"], facts["validation"], facts["test"]) == (120, 40, 80)
    assert (finished_project.folder / "reports" / "index.html").is_file()


def test_own_model_and_optimizer_learn(finished_project: Project) -> None:
    rows = _table(finished_project, "summary.csv")
    assert {row["optimizer"] for row in rows} == {"sgd", "adam", "mypackage.optimizers:Damped"}
    assert {row["model"] for row in rows} == {"mlp", "mypackage.models:build"}
    assert {row["status"] for row in rows} == {"done"}


def test_a_study_of_every_data_set_has_a_part_on_each(finished_project: Project) -> None:
    """Own runs, own target, and claims that compare them; the first shares what it can."""
    variants = _table(finished_project, "variants.csv")
    parts = {row["variant"]: (row["dataset"], row["studies"]) for row in variants}
    assert {parts[id_] for id_ in parts if id_.startswith("mlp-sgd")} == {
        ("squares", "width;workload-squares")
    }
    others = {id_.partition("--")[2] for id_ in parts if id_.startswith("others--")}
    assert others == {id_ for id_ in parts if id_.startswith("mlp-")}
    summary = _table(finished_project, "summary.csv")
    assert {row["variant"] for row in summary if row["study"] == "workload-others"} == {
        id_ for id_, (name, _) in parts.items() if name == "others"
    }
    claims = {row["id"]: row for row in _table(finished_project, "claims.csv")}
    # Of one seed nothing is told apart.
    assert claims["workload-optimizers"]["verdict"] == "inconclusive"
    assert '"first": "squares", "other": "others"' in claims["workload-optimizers"]["fields"]
    page = (finished_project.folder / "reports/index.html").read_text(encoding="utf-8")
    assert "Do the conclusions hold on other data? (others)" in page


def test_nothing_is_left_to_do(finished_project: Project) -> None:
    assert finished_project.planned() == set()


def test_editing_the_own_model_repeats_its_runs_only(project: Project) -> None:
    project.edit("mypackage/layers.py", '"tanh"', '"relu"')
    trained = {job for job in project.planned() if job.startswith("train")}
    assert trained == _runs(project, "build-")


def test_editing_the_own_optimizer_repeats_its_run_only(project: Project) -> None:
    project.edit("mypackage/optimizers.py", "learning_rate * damping", "learning_rate / damping")
    trained = {job for job in project.planned() if job.startswith("train")}
    assert trained == _runs(project, "Damped")
    assert len(trained) == 1


def test_replacing_the_data_repeats_everything_on_them(project: Project) -> None:
    on_others = _runs(project, "others--")
    assert len(on_others) == 2
    everything = {*_runs(project), *_figures(project), "time width"} - on_others
    everything |= {"download", "collect", "analyze", "judge", "render"}
    np.savez(project.folder / "squares.npz", allow_pickle=False, **squares(seed=1))
    planned = project.planned()
    probed = {job for job in planned if job.startswith("probe")}
    assert planned - probed == everything
    assert len(probed) == 1


def test_writing_the_same_data_again_repeats_nothing(project: Project) -> None:
    np.savez_compressed(project.folder / "squares.npz", allow_pickle=False, **squares())
    assert project.planned() == set()


def test_missing_module_is_one_sentence(project: Project) -> None:
    project.edit("config/studies/width.yaml", "mypackage.models:build", "nopackage.models:build")
    result = project.snakemake("--dry-run")
    assert result.returncode == 1
    assert "the module nopackage.models cannot be found" in result.stdout + result.stderr
