"""Mistakes in own data end as one sentence; those in own models: test_hooks.py."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.stages import download
from tests.own.project import CLASSES, Project, squares


def _changed(name: str, values: Any) -> dict[str, np.ndarray]:
    return {**squares(), name: np.asarray(values)}


def _with_nan() -> np.ndarray:
    images = squares()["x_train"].astype(float)
    images[3, 2, 1, 0] = np.nan
    return images


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (_changed("y_train", squares()["y_train"] + 0.5), "labels are whole numbers from 0"),
        (_changed("x_train", _with_nan()), "not a number (NaN)"),
        (_changed("x_train", np.zeros((0, 12, 10, 3))), "holds no images"),
        (_changed("x_train", np.zeros((160, 360))), "images are (n, height, width)"),
        (_changed("x_test", np.zeros((80, 9, 9, 3))), "the images differ in shape"),
        (_changed("y_test", np.arange(79) % CLASSES), "80 images but 79 labels"),
    ],
)  # fmt: skip
def test_bad_data(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arrays: dict[str, np.ndarray],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["download", *_bad(tmp_path, arrays)])
    with pytest.raises(UserError, match=re.escape(sentence)):
        download.main()
    assert not (tmp_path / "bad").exists()


def test_bad_data_end_the_stage_in_one_line(project: Project) -> None:
    arguments = _bad(project.folder, _changed("y_train", np.zeros(160, int)))
    result = project.stage("download", *arguments)
    assert result.returncode == 1
    assert "at least two classes are needed" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (project.folder / "bad").exists()


def _bad(folder: Path, arrays: dict[str, np.ndarray]) -> list[str]:
    """The stage's arguments for such data, from that folder."""
    np.savez(folder / "bad.npz", allow_pickle=False, **arrays)
    request = DatasetRequest(
        name="bad", path="bad.npz", mirrors=[], fallback="none", connect_timeout=1.0,
        read_timeout=1.0, validation=40,
    )  # fmt: skip
    (folder / "request.json").write_text(request.model_dump_json())
    return ["--request", "request.json", "--npz", "bad/mnist.npz", "--json", "bad/mnist.json"]
