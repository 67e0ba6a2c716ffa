import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchmark.contract.errors import UserError
from batchmark.dataset.idx import encode_idx, parse_idx

# Two 1 x 3 images, written by hand.
TWO_IMAGES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])


def test_reads_bytes_in_the_order_of_the_file() -> None:
    assert parse_idx(TWO_IMAGES, "x").tolist() == [[[1, 2, 3]], [[4, 5, 255]]]


def test_reads_big_endian_values_in_native_order() -> None:
    content = bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 0x01, 0x02, 0xFF, 0xFF])
    array = parse_idx(content, "x")
    assert array.tolist() == [258, -1]
    assert array.dtype == np.int16


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an IDX file"),
        (b"<html>", "not an IDX file"),
        (b"\0\0\x07\x01\0\0\0\0", "not an IDX file"),
        (b"\0\0\x08\x00", "0 dimensions"),
        (b"\0\0\x08\xff" + b"\0" * 2000, "255 dimensions"),
        (b"\0\0\x08\x03\0\0\0\x02", "truncated"),
        (TWO_IMAGES[:-1], "truncated"),
        (TWO_IMAGES + b"\0", "trailing"),
        (struct.pack(">HBB4I", 0, 8, 4, *[2**32 - 1] * 4), "truncated"),
    ],
)
def test_refuses_what_is_not_idx(content: bytes, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        parse_idx(content, "x")


@given(st.binary(max_size=40), st.integers(0, 20))
def test_any_bytes_are_read_or_refused(tail: bytes, kept: int) -> None:
    content = (TWO_IMAGES[:kept] + tail)[:60]
    try:
        array = parse_idx(content, "x")
    except UserError:
        return
    assert array.nbytes <= len(content)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_encoding_is_the_inverse(dtype: str) -> None:
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    again = parse_idx(encode_idx(array), "x")
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)
