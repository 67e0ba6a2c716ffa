import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchmark.contract.errors import UserError
from batchmark.contract.record import read_record
from tests.contract.editing import write_sealed

GOOD = {
    "schema_version": "batchmark.dataset/2",
    "facts": {
        "name": "mnist",
        "digest": "0",
        "train": 1,
        "validation": 1,
        "test": 1,
        "image_shape": [2, 3, 1],
        "classes": 2,
    },
    "source": "a local folder",
    "sums": {},
}


def test_a_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_sealed(path, GOOD)
    record = read_record(path)
    assert (record.facts.image_shape, record.problems, record.stands_in_for) == (
        (2, 3, 1),
        (),
        None,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema_version": "batchmark.dataset/9"}, "schema_version"),
        ({"facts": GOOD["facts"] | {"train": -1}}, "facts.train"),
        ({"extra": 1}, "extra"),
        ({"sums": {"x": None}}, "sums.x"),
    ],
)
def test_a_wrong_record_is_refused_by_key(tmp_path: Path, change: dict, reason: str) -> None:
    path = tmp_path / "x.json"
    write_sealed(path, GOOD | change)
    with pytest.raises(UserError, match=reason):
        read_record(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(position=st.integers(0, 300), tail=st.binary(max_size=20))
def test_any_bytes_are_read_or_refused(tmp_path: Path, position: int, tail: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(json.dumps(GOOD).encode()[:position] + tail)
    try:
        read_record(path)
    except UserError:
        return
