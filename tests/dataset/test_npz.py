import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchmark.contract.errors import UserError
from batchmark.dataset.npz import read_npz


def _npy(array: np.ndarray, pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickle)
    return buffer.getvalue()


def _archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    return path


def test_reads_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.ones((2, 2)))
    found = read_npz(tmp_path / "a.npz", ["x", "z"])
    assert list(found) == ["x"]
    assert found["x"].tolist() == [0, 1, 2]


def test_fortran_order_is_understood(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    np.savez(tmp_path / "a.npz", x=array)
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", ["x"])["x"], array)


class Trap:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return (Path.touch, (self.path,))


def test_objects_are_refused_and_never_unpickled(tmp_path: Path) -> None:
    content = _npy(np.array([Trap(tmp_path / "sprung")], dtype=object), pickle=True)
    with pytest.raises(UserError, match="Python objects"):
        read_npz(_archive(tmp_path / "a.npz", content), ["x"])
    assert not (tmp_path / "sprung").exists()


def test_a_shape_larger_than_the_bytes_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    honest = _npy(np.zeros(1000, np.uint8))
    lying = honest.replace(b"(1000,), }     ", b"(9999999999,)} ")
    assert lying != honest
    with pytest.raises(UserError, match="declares"):
        read_npz(_archive(tmp_path / "b.npz", lying), ["x"])


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    content = _npy(np.zeros(1000, np.uint8)).replace(b"(1000,)", b"(99999,")
    with pytest.raises(UserError, match="not a sound"):
        read_npz(_archive(tmp_path / "a.npz", content), ["x"])


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(10**6))
    with pytest.raises(UserError, match="more than 100,000 bytes"):
        read_npz(tmp_path / "a.npz", ["x"], largest=100_000)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.npz cannot be read: No such file"):
        read_npz(tmp_path / "a.npz", ["x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(position=st.integers(0, 400), value=st.binary(min_size=1, max_size=4))
def test_damage_is_refused_or_harmless(tmp_path: Path, position: int, value: bytes) -> None:
    content = bytearray(_archive(tmp_path / "a.npz", _npy(np.arange(20))).read_bytes())
    content[position : position + len(value)] = value
    (tmp_path / "b.npz").write_bytes(content)
    try:
        read_npz(tmp_path / "b.npz", ["x"])
    except UserError:
        return
