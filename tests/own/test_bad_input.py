"""Mistakes in own data end as one sentence; those in own models: test_hooks.py."""

from typing import Any

import numpy as np
import pytest

from batchmark.contract.requests.dataset import DatasetRequest
from tests.own.project import CLASSES, Project, squares

DOWNLOAD = ("--npz", "bad/mnist.npz", "--json", "bad/mnist.json")


def _changed(name: str, values: Any) -> dict[str, np.ndarray]:
    return {**squares(), name: np.asarray(values)}


def _with_nan() -> np.ndarray:
    images = squares()["x_train"].astype(float)
    images[3, 2, 1, 0] = np.nan
    return images


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (_changed("y_train", np.zeros(160, int)), "at least two classes are needed"),
        (_changed("y_train", squares()["y_train"] + 0.5), "labels are whole numbers from 0"),
        (_changed("x_train", _with_nan()), "not a number (NaN)"),
        (_changed("x_train", np.zeros((0, 12, 10, 3))), "holds no images"),
        (_changed("x_train", np.zeros((160, 360))), "images are (n, height, width)"),
        (_changed("x_test", np.zeros((80, 9, 9, 3))), "the images differ in shape"),
        (_changed("y_test", np.arange(79) % CLASSES), "80 images but 79 labels"),
    ],
)  # fmt: skip
def test_bad_data(project: Project, arrays: dict[str, np.ndarray], sentence: str) -> None:
    np.savez(project.folder / "bad.npz", allow_pickle=False, **arrays)
    request = DatasetRequest(
        name="bad", path="bad.npz", mirrors=[], fallback="none", connect_timeout=1.0,
        read_timeout=1.0, validation=40,
    )  # fmt: skip
    (project.folder / "request.json").write_text(request.model_dump_json())
    result = project.stage("download", "--request", "request.json", *DOWNLOAD)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (project.folder / "bad").exists()
