import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchmark.contract.calibration import Calibration
from batchmark.contract.errors import UserError
from batchmark.contract.files import sealed
from batchmark.contract.gradients import GradientResult
from batchmark.contract.profile import ProfileResult
from batchmark.contract.record import read_result, write_result
from batchmark.contract.run import RunResult
from batchmark.contract.timing import TimingResult
from tests.contract.editing import write_sealed
from tests.synthetic import example_request, write_results

SCHEMAS = (RunResult, TimingResult, GradientResult, ProfileResult, Calibration)
FOLDERS = ("runs", "timings", "gradients", "profiles", "calibrations")
by_any_bytes = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CALIBRATION = Calibration(
    cores=2, startup=4.0, job=0.5, graph=1.0, image=1e-4, step=1e-3, evaluated_image=5e-5,
    report=2.0,
    kernel_image=1e-4, kernel_step=1e-3, kernel_evaluated_image=5e-5,
    memory_bytes=2**30,
)  # fmt: skip


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> dict[type, bytes]:
    folder = tmp_path_factory.mktemp("results")
    request = example_request(trials=2, epochs=2.0, studies=("momentum", "batch_size"))
    write_results(folder, request, seed=0)
    home = folder / "local" / "cpu"
    write_result(home / "calibrations" / "one.json", CALIBRATION)
    kinds = zip(SCHEMAS, FOLDERS, strict=True)
    return {kind: min((home / name).glob("*.json")).read_bytes() for kind, name in kinds}


def accept_or_refuse(path: Path, content: bytes, kind: type[Any]) -> None:
    path.write_bytes(content)
    with suppress(UserError):
        assert isinstance(read_result(path, kind), kind)


@by_any_bytes
@given(content=st.binary(max_size=400), kind=st.sampled_from(SCHEMAS))
def test_any_bytes_are_accepted_or_refused(tmp_path: Path, content: bytes, kind: type) -> None:
    accept_or_refuse(tmp_path / "any.json", content, kind)


@by_any_bytes
@given(data=st.data(), kind=st.sampled_from(SCHEMAS))
def test_a_damaged_file_is_accepted_or_refused(
    tmp_path: Path, genuine: dict[type, bytes], data: st.DataObject, kind: type
) -> None:
    content = genuine[kind]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(start + 50, len(content))))
    damage = data.draw(
        st.sampled_from([b"", b"NaN", b"1e999", b"-1", b"null", b"[" * 300, b"\xff"])
    )
    accept_or_refuse(tmp_path / "damaged.json", content[:start] + damage + content[end:], kind)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@by_any_bytes
@given(data=st.data(), kind=st.sampled_from(SCHEMAS))
def test_any_value_under_any_key_is_accepted_or_refused(
    tmp_path: Path, genuine: dict[type, bytes], data: st.DataObject, kind: type
) -> None:
    content = json.loads(genuine[kind])
    part, key = content, data.draw(st.sampled_from(sorted(content)))
    while data.draw(st.booleans()) and isinstance(part[key], dict | list) and part[key]:
        part = part[key]
        keys = sorted(part) if isinstance(part, dict) else range(len(part))
        key = data.draw(st.sampled_from(keys))
    part[key] = data.draw(json_values)
    changed = sealed(json.dumps(content, indent=1).encode())
    accept_or_refuse(tmp_path / "changed.json", changed, kind)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema_version": "batchmark.run/1"}, "schema_version: .*'batchmark.run/1'"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"machine": "../etc"}, "machine: should be 1 to 100 letters.*'../etc'"),
        ({"environment": {"load": float("inf")}}, "Infinity is not a number"),
    ],
)
def test_the_refusal_names_key_and_value(
    tmp_path: Path, genuine: dict[type, bytes], change: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "run.json"
    write_sealed(path, json.loads(genuine[RunResult]) | change)
    with pytest.raises(UserError, match=reason):
        read_result(path, RunResult)


def test_a_seed_may_appear_in_one_trial_only(tmp_path: Path, genuine: dict[type, bytes]) -> None:
    content = json.loads(genuine[RunResult])
    content["trials"].append(content["trials"][0])
    path = tmp_path / "run.json"
    write_sealed(path, content)
    with pytest.raises(UserError, match="a seed appears in two trials"):
        read_result(path, RunResult)


def test_a_huge_or_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(UserError, match="cannot be read"):
        read_result(path, RunResult)
    monkeypatch.setattr("batchmark.contract.record.LARGEST_FILE", 10)
    path.write_bytes(b" " * 11)
    with pytest.raises(UserError, match="larger than 10 bytes"):
        read_result(path, RunResult)
