"""Whatever stands in a file's place: its content or a sentence, at once."""

import os
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.files import read_bounded


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(UserError, match=r"file is refused: larger than 4 bytes\.$"):
        read_bounded(path, 4)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["pipe", "device", "folder", "nowhere", "circle"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(UserError, match=f"{name} cannot be read: "):
        read_bounded(tmp_path / name, 5)
