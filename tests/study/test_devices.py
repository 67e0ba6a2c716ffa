import pytest

from batchmark.study import devices
from batchmark.study.devices import resolve_devices


def test_gpus_of_other_machines_are_believed() -> None:
    assert resolve_devices(["cpu", "gpu"], None) == ["cpu", "gpu"]
    assert resolve_devices("auto", None) == ["cpu"]


@pytest.mark.parametrize(
    ("mask", "left"),
    [(None, 2), ("", 0), ("-1", 0), ("1", 1), ("0,1", 2), ("GPU-8f6f, GPU-11aa, GPU-2c", 2)],
)
@pytest.mark.parametrize(
    ("packages", "cuda"), [({"tensorflow"}, 1), ({"tensorflow_cpu"}, 0), (set(), 0)], ids=str
)
def test_only_gpus_that_tensorflow_can_use_are_counted(
    monkeypatch: pytest.MonkeyPatch, mask: str | None, left: int, packages: set[str], cuda: int
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if mask is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    monkeypatch.setattr(devices, "_installed", lambda package: package in packages)
    monkeypatch.setattr(devices, "_reported_by_driver", lambda: 2)
    assert devices.gpu_count() == left * cuda
