"""What tells own data from other data in the same place."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from batchmark.dataset.local import TEST_LABELS, content_of
from tests.dataset import tiny_idx


def test_only_the_arrays_of_an_npz_count(tmp_path: Path) -> None:
    plain, packed, other = (tmp_path / f"{name}.npz" for name in ("plain", "packed", "other"))
    np.savez(plain, a=np.arange(9), b=np.zeros(3))
    np.savez_compressed(packed, b=np.zeros(3), a=np.arange(9))
    np.savez(other, a=np.arange(9), b=np.array([0.0, 0.0, 1.0]))
    assert content_of(plain) == content_of(packed) != content_of(other)


def test_a_folder_changes_with_its_idx_files_alone(tmp_path: Path) -> None:
    tiny_idx.write(tmp_path)
    before = content_of(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert content_of(tmp_path) == before
    (tmp_path / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(b"others"))
    assert content_of(tmp_path) != before


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["pipe", "text", "folder", "nowhere"])
def test_what_is_no_data_has_no_digest(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no archive")
    (tmp_path / "folder").mkdir()
    assert content_of(tmp_path / name) == ""
