import getpass
import json
import platform
import socket

from batchmark.training.environment import describe, versions


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
    assert socket.gethostname() not in text
    assert getpass.getuser() not in text.split()
    assert "/home" not in text
