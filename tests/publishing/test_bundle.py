import os
import zipfile
from pathlib import Path

from batchmark.publishing.site import write_bundle
from tests.publishing.example import VARIANT, write_project

NAME = f"results/local/cpu/runs/{VARIANT}.json"


def test_equal_results_give_an_equal_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_project(tmp_path / name)
    os.utime(tmp_path / "b" / NAME, (0, 0))
    bundles = []
    for name in ("a", "b"):
        write_bundle(tmp_path / f"{name}.zip", tmp_path / name / "results")
        bundles.append((tmp_path / f"{name}.zip").read_bytes())
    assert bundles[0] == bundles[1]


def test_only_result_files_are_packed(tmp_path: Path) -> None:
    write_project(tmp_path)
    runs = tmp_path / "results/local/cpu/runs"
    (runs / ".half.json").write_text("{")
    (tmp_path / "secret.json").write_text("{}")
    (runs / "link.json").symlink_to(tmp_path / "secret.json")
    names = write_bundle(tmp_path / "x.zip", tmp_path / "results")
    assert names == [NAME]
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.namelist() == [NAME]
        assert archive.read(NAME) == (tmp_path / NAME).read_bytes()
        assert archive.testzip() is None
