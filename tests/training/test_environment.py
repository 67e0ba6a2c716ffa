import getpass
import json
import platform
import re
import socket
from pathlib import Path

import pytest

from batchmark.machine.processor import processor
from batchmark.training.environment import decisive, describe, versions


def test_versions_name_what_results_depend_on() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert {"keras", "numpy", "batchmark"} <= set(found)
    assert {"tensorflow", "tensorflow_cpu"} & set(found)


def test_the_record_has_switches_and_neither_host_nor_paths() -> None:
    record = describe("cpu", deterministic=True)
    assert record["deterministic"] is True
    assert record["processor"]
    text = json.dumps({**record, "switches": dict(record["switches"])})
    assert socket.gethostname() not in re.split(r"[^\w.-]+", text)
    assert getpass.getuser() not in text.split()
    assert "/home" not in text


@pytest.mark.parametrize("key", ["model name", "Model"])
def test_the_processor_has_one_name_on_arm_too(tmp_path: Path, key: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(f"processor\t: 0\n{key}\t\t: Some CPU 4\n")
    assert processor(tmp_path) == "Some CPU 4"
    assert processor(tmp_path / "elsewhere")


def test_another_card_of_the_same_kind_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    record = {**describe("cpu", deterministic=True), "gpu": "H100"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    other = {**describe("cpu", deterministic=True), "gpu": "H100", "cores": 99}
    assert decisive(record) == decisive(other)
    for change in ({"gpu": "H200"}, {"versions": {}}, {"processor": "Z80"}, {"switches": {}}):
        assert decisive(record) != decisive({**other, **change})
