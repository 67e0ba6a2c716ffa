import os
import sys

import pytest

from batchmark.training import environment


@pytest.fixture
def not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of its own in which TensorFlow seems not to be imported yet."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(os, "environ", {})


@pytest.mark.usefixtures("not_imported")
def test_a_processor_gets_onednn_one_thread_and_no_gpu() -> None:
    environment.apply("cpu", threads=1)
    found = environment.in_force()
    assert found["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert found["OMP_NUM_THREADS"] == found["TF_NUM_INTRAOP_THREADS"] == "1"
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"


@pytest.mark.usefixtures("not_imported")
def test_all_threads_are_tensorflows_to_choose() -> None:
    environment.apply("cpu", threads=0)
    assert "OMP_NUM_THREADS" not in environment.in_force()


@pytest.mark.usefixtures("not_imported")
def test_a_gpu_keeps_float32_and_is_deterministic_when_asked() -> None:
    environment.apply("gpu", threads=1, deterministic=True)
    found = environment.in_force()
    assert (found["TF_DETERMINISTIC_OPS"], found["NVIDIA_TF32_OVERRIDE"]) == ("1", "0")
    assert "CUDA_VISIBLE_DEVICES" not in found


def test_too_late_is_an_error_and_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    # Switches that are in force already are no mistake.
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(RuntimeError, match="before TensorFlow"):
        environment.apply("cpu", threads=1)


def test_a_record_tells_settings_apart_and_none_of_their_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", {"XLA_FLAGS": "--xla_x=true --xla_dump_to=/home/ada/dump"})
    recorded = environment.in_force()["XLA_FLAGS"]
    # printf %s --xla_dump_to=/home/ada/dump | sha256sum
    assert recorded == "--xla_x=true (a7655505)"
