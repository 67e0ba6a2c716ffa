"""The high-water mark of this process, and the line through several of them."""

import gc
import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchmark.timing.footprint import largest_batch_size, peak, resident

MIB = 2**20


@pytest.fixture(autouse=True, scope="module")
def little_to_look_through() -> Iterator[None]:
    """Each peak looks for garbage first; what other tests have imported here is none."""
    gc.freeze()
    yield
    gc.unfreeze()


def occupy(mebibytes: int) -> None:
    with mmap.mmap(-1, mebibytes * MIB) as pages:
        pages.write(b"x" * len(pages))


@pytest.mark.skipif(resident() is None, reason="needs Linux's /proc")
def test_each_piece_of_work_has_its_own_peak() -> None:
    # Writing copies from a bytes object as large again.
    found = [peak(lambda size=size: occupy(size)) for size in (64, 16, 64)]
    for bytes_, mebibytes in zip(found, (128, 32, 128), strict=True):
        assert bytes_ == pytest.approx(mebibytes * MIB, abs=8 * MIB)


def test_a_system_that_tells_nothing_does_the_work_all_the_same(tmp_path: Path) -> None:
    done = []
    assert peak(lambda: done.append(1), tmp_path) is None
    assert done == [1]
    assert resident(tmp_path) is None


def test_the_largest_batch_size_lies_on_the_line() -> None:
    # 100 bytes and 3 a batch element: 1000 bytes hold 300.
    assert largest_batch_size([10, 20, 40], [130, 160, 220], 1000) == 300


@pytest.mark.parametrize(
    ("sizes", "peaks", "available"),
    [
        ([10, 20, 20], [130, 160, 160], 1000),
        ([1, 2, 3], [9, 9, 9], 1000),
        ([1, 2, 3], [7, 8, 9], 2),
    ],
)
def test_no_prediction_without_a_rising_line(
    sizes: list[int], peaks: list[int], available: int
) -> None:
    assert largest_batch_size(sizes, peaks, available) is None
