import gzip

import pytest

from batchmark.dataset.mirrors import MirrorError, unpacked


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x01", b"\x1f"])
def test_plain_bytes_pass(content: bytes):
    assert unpacked(content, "x", 10) == content


def test_packed_bytes_are_unpacked_up_to_the_limit():
    assert unpacked(gzip.compress(b"0123456789"), "x", 10) == b"0123456789"
    with pytest.raises(MirrorError, match="x unpacks to more than 9 bytes"):
        unpacked(gzip.compress(b"0123456789"), "x", 9)


def test_a_wrong_check_sum_is_damage():
    packed = bytearray(gzip.compress(b"0123456789"))
    packed[-8] ^= 1
    with pytest.raises(MirrorError, match="x is damaged"):
        unpacked(bytes(packed), "x", 100)
