import hashlib
import json
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.files import is_intact, sealed
from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from tests.synthetic import example_request, write_results


def test_the_digest_is_that_of_all_before_it() -> None:
    body = b'{\n "a": 1'
    content = sealed(body + b"\n}\n")
    assert json.loads(content) == {"a": 1, "digest": hashlib.sha256(body).hexdigest()}
    assert content.startswith(body)
    assert sealed(content) == content


@pytest.mark.parametrize(
    "edited",
    [
        b'{\n "a": 1\n}\n',
        sealed(b'{\n "a": 1\n}').replace(b"1", b"2", 1),
        sealed(b'{\n "a": 1\n}').replace(b"\n}\n", b',\n "b": 2\n}\n'),
        sealed(b'{\n "a": 1\n}')[:-8] + b'f"\n}\n',
        b"",
    ],
)
def test_whatever_is_changed_is_seen(edited: bytes) -> None:
    assert not is_intact(edited)


def test_an_edited_accuracy_is_refused_by_name_with_what_to_do(tmp_path: Path) -> None:
    request = example_request(trials=2, epochs=2.0, studies=("momentum",))
    write_results(tmp_path, request, seed=0)
    path = min(tmp_path.glob("local/cpu/runs/*.json"))
    accuracy = read_result(path, RunResult).trials[0].final_test_accuracy
    path.write_text(path.read_text().replace(f": {accuracy},", ": 0.999,", 1))
    with pytest.raises(UserError, match=rf"{path.name} is refused: edited .* Delete the file and"):
        read_result(path, RunResult)
