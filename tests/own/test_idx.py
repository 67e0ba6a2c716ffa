"""A folder of IDX files, as Fashion-MNIST comes, drops in by configuration alone."""

import json
from pathlib import Path

from tests.dataset import tiny_idx
from tests.own.project import write_project
from tests.workflow.checkout import copy_project


def test_idx_files_by_configuration_alone(tmp_path: Path) -> None:
    (tmp_path / "batchmark").mkdir()
    project = write_project(tmp_path / "mine", copy_project(tmp_path / "batchmark"))
    tiny_idx.write(project.folder / "fashion")
    old = "{name: squares, path: squares.npz, validation: 0.25}"
    project.edit("config.yaml", old, "{name: fashion, path: fashion, validation: 4}")
    project.edit("config.yaml", "targets: {squares:", "targets: {fashion:")
    result = project.snakemake("data/fashion.json")
    assert result.returncode == 0, result.stdout + result.stderr
    facts = json.loads((project.folder / "data" / "fashion.json").read_text())["facts"]
    sizes = (facts["name"], facts["train"], facts["validation"], facts["test"], facts["classes"])
    assert sizes == ("fashion", tiny_idx.TRAINING - 4, 4, tiny_idx.TESTING, 2)
