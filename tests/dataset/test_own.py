"""The user's own data: taken as they are or refused in one sentence."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.dataset.idx import parse_idx
from batchmark.dataset.local import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from batchmark.dataset.own import load_own
from tests.dataset import tiny_idx


def _good() -> dict[str, Any]:
    images = np.arange(8 * 2 * 3, dtype=np.uint8).reshape(8, 2, 3)
    labels = np.array([0, 1] * 4)
    return {"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}


def _npz(folder: Path, **changes: Any) -> Path:
    path = folder / "my.npz"
    np.savez(
        path, **{key: value for key, value in (_good() | changes).items() if value is not None}
    )
    return path


def test_an_npz_is_split_and_shaped(tmp_path: Path) -> None:
    loaded = load_own(_npz(tmp_path), 3, {})
    arrays = loaded.arrays
    assert arrays.train_images.shape == (5, 2, 3, 1)
    assert arrays.validation_labels.tolist() == [1, 0, 1]
    assert arrays.test_labels.dtype == np.uint8
    assert sorted(loaded.sums) == ["x_test", "x_train", "y_test", "y_train"]


def test_a_validation_set_of_its_own_is_used(tmp_path: Path) -> None:
    good = _good()
    path = _npz(tmp_path, x_val=good["x_train"][:3], y_val=good["y_train"][:3])
    arrays = load_own(path, 5, {}).arrays
    assert len(arrays.train_labels) == 8
    assert arrays.validation_labels.tolist() == [0, 1, 0]


def test_colour_images_and_column_labels(tmp_path: Path) -> None:
    images = np.zeros((8, 5, 4, 3), np.uint8)
    path = _npz(tmp_path, x_train=images, x_test=images[:2], y_train=np.array([[0], [1]] * 4))
    arrays = load_own(path, 2, {}).arrays
    assert arrays.train_images.shape == (6, 5, 4, 3)
    assert arrays.train_labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_floats_from_0_to_1_are_scaled_by_one_factor_for_all_sets(tmp_path: Path) -> None:
    bright, dark = np.full((8, 2, 3), 1.0), np.full((2, 2, 3), 0.2)
    arrays = load_own(_npz(tmp_path, x_train=bright, x_test=dark), 2, {}).arrays
    assert arrays.train_images.max() == 255
    assert arrays.test_images.max() == 51


def test_floats_from_0_to_255_are_rounded(tmp_path: Path) -> None:
    bright, dark = np.full((8, 2, 3), 254.6), np.full((2, 2, 3), 1.0)
    arrays = load_own(_npz(tmp_path, x_train=bright, x_test=dark), 2, {}).arrays
    assert arrays.train_images.max() == 255
    assert arrays.test_images.max() == 1


def test_more_than_256_classes(tmp_path: Path) -> None:
    labels = np.array([0, 300] * 4)
    arrays = load_own(_npz(tmp_path, y_train=labels, y_test=labels[:2]), 2, {}).arrays
    assert arrays.train_labels.dtype == np.int32
    assert arrays.test_labels.tolist() == [0, 300]


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_of_idx_files(tmp_path: Path, packed: bool) -> None:
    loaded = load_own(tiny_idx.write(tmp_path / "idx", packed=packed), 2, {})
    assert loaded.sums == tiny_idx.SUMS
    assert len(loaded.arrays.train_labels) == 10


def test_an_npz_called_mnist_must_hold_mnist(tmp_path: Path) -> None:
    names = {
        "x_train": TRAIN_IMAGES, "y_train": TRAIN_LABELS, "x_test": TEST_IMAGES,
        "y_test": TEST_LABELS,
    }  # fmt: skip
    arrays = {key: parse_idx(tiny_idx.CONTENT[name], name) for key, name in names.items()}
    load_own(_npz(tmp_path, **arrays), 2, tiny_idx.SUMS)
    arrays["x_test"] = arrays["x_test"] + 1
    with pytest.raises(UserError, match=r"x_test of .*my\.npz is not the original t10k-images"):
        load_own(_npz(tmp_path, **arrays), 2, tiny_idx.SUMS)


class Pixel:
    pass


NAN = np.zeros((8, 2, 3))
NAN[3, 1, 1] = np.nan


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"y_train": None}, "lacks y_train; it must hold x_train"),
        ({"x_val": np.zeros((1, 2, 3))}, "only one of x_val and y_val"),
        ({"x_train": np.array([Pixel()] * 8)}, "Python objects"),
        ({"y_train": np.array([0, 1] * 4, object)}, "Python objects"),
        ({"x_train": np.zeros((0, 2, 3)), "y_train": np.zeros(0, int)}, "holds no images"),
        ({"x_test": np.zeros((0, 2, 3)), "y_test": np.zeros(0, int)}, "holds no images"),
        ({"x_train": np.zeros((8, 6))}, r"x_train of .*\.npz has shape \(8, 6\); images are"),
        ({"x_train": np.zeros((8, 0, 3))}, r"has shape \(8, 0, 3\)"),
        ({"x_train": np.zeros((2, 3, 8), np.uint8)}, "2 images but 8 labels"),
        ({"x_train": np.zeros((8, 3, 32, 32), np.uint8)}, "channels first"),
        ({"x_train": np.zeros((8, 1, 28, 28), np.uint8)}, "channels first"),
        ({"x_train": np.zeros((8, 2, 3, 1, 1), np.uint8)}, r"has shape \(8, 2, 3, 1, 1\)"),
        ({"x_train": NAN}, r"NaN"),
        ({"x_train": np.full((8, 2, 3), np.inf)}, "runs from inf to inf"),
        ({"x_train": np.full((8, 2, 3), 256)}, "runs from 256 to 256"),
        ({"x_train": np.full((8, 2, 3), -0.5)}, "runs from -0.5"),
        ({"x_train": np.full((8, 2, 3), "a")}, "holds <U1 values"),
        ({"x_train": np.full((8, 2, 3), 1j)}, "holds complex128 values"),
        ({"x_train": np.zeros((8, 2, 3), bool)}, "holds bool values"),
        ({"y_train": np.zeros(8)}, "y_train of .* holds float64 values"),
        ({"y_train": np.eye(8, dtype=int)}, r"argmax\(axis=1\)"),
        ({"y_train": np.array([0, -1] * 4)}, "runs from -1 to 0"),
        ({"y_train": np.array([0, 10**6] * 4)}, "runs from 0 to 1000000"),
        ({"y_train": np.zeros(7, int)}, "8 images but 7 labels"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(tmp_path: Path, changes: dict, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        load_own(_npz(tmp_path, **changes), 2, {})
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no file or folder .*nothing\.npz"):
        load_own(tmp_path / "nothing.npz", 2, {})


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "my.npz")
    with pytest.raises(UserError, match="is a device, pipe or socket"):
        load_own(tmp_path / "my.npz", 2, {})


def test_an_incomplete_folder_is_named(tmp_path: Path) -> None:
    folder = tiny_idx.write(tmp_path / "idx")
    (folder / f"{TEST_IMAGES}.gz").unlink()
    words = r"idx lacks t10k-images-idx3-ubyte \(.*; it holds t10k-labels-idx1-ubyte\.gz, train"
    with pytest.raises(UserError, match=words):
        load_own(folder, 2, {})


def test_bytes_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.npz"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(UserError, match="not a sound"):
        load_own(path, 2, {})


@pytest.mark.parametrize(("dark", "bright"), [("train", "test"), ("test", "train")])
def test_sets_on_two_scales_are_refused(tmp_path: Path, dark: str, bright: str) -> None:
    half, whole = np.full((8, 2, 3), 0.5), np.full((8, 2, 3), 255.0)
    with pytest.raises(UserError, match=rf"x_{dark} runs from 0 to 1 and x_{bright} up to 255"):
        load_own(_npz(tmp_path, **{f"x_{dark}": half, f"x_{bright}": whole}), 2, {})


def test_integers_keep_their_scale_beside_floats_from_0_to_1(tmp_path: Path) -> None:
    integers, floats = np.full((8, 2, 3), 200), np.full((2, 2, 3), 1.0)
    arrays = load_own(_npz(tmp_path, x_train=integers, x_test=floats), 2, {}).arrays
    assert (arrays.train_images == 200).all()
    assert (arrays.test_images == 255).all()
