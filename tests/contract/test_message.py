"""Requests that cannot be followed are refused in a sentence."""

from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.train import TuningGrid

VALID = '{"low": 0.001, "high": 1, "points": 9, "epochs": 2, "seed": 1}'


def test_a_valid_request(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(VALID)
    expected = TuningGrid(low=0.001, high=1.0, points=9, epochs=2.0, seed=1)
    assert read_request(path, TuningGrid) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (VALID.replace("9", '"many"'), "points: "),
        (VALID.replace("seed", "sed"), "seed: Field required"),
        ("{", "Invalid JSON"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"request\.json is refused: .*{reason}"):
        read_request(path, TuningGrid)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.json cannot be read"):
        read_request(tmp_path / "nothing.json", TuningGrid)
