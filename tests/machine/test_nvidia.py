"""Device reports from recorded answers of NVIDIA's management library."""

from types import SimpleNamespace
from typing import Any, Never

import pytest

from batchmark.machine import gpu


class Unanswered(Exception):  # noqa: N818 stands for pynvml.NVMLError_NotSupported
    pass


def refuse(*_: object) -> Never:
    raise Unanswered


def recorded(**changes: Any) -> SimpleNamespace:
    """Answers recorded from a data-centre card; `changes` replace some."""
    answers = {
        "NVML_CLOCK_SM": 1,
        "NVML_CLOCK_MEM": 2,
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: f"card {index}",
        "nvmlDeviceGetName": lambda _: b"NVIDIA H100 80GB HBM3",
        "nvmlSystemGetDriverVersion": lambda: "550.54.15",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=85520809984, used=7 * 2**20),
        "nvmlDeviceGetPowerManagementLimit": lambda _: 700000,
        "nvmlDeviceGetPersistenceMode": lambda _: 1,
        "nvmlDeviceGetMaxClockInfo": lambda _, domain: {1: 1980, 2: 2619}[domain],
        "nvmlDeviceGetClockInfo": lambda _, domain: {1: 345, 2: 2619}[domain],
        "nvmlDeviceGetTemperature": lambda *_: 31,
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=12, memory=3),
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: 0x4 | 0x20,
    }
    return SimpleNamespace(**(answers | changes))


def test_what_stays() -> None:
    assert gpu.describe(recorded()) == [
        {
            "name": "NVIDIA H100 80GB HBM3",
            "driver": "550.54.15",
            "memory_bytes": 85520809984,
            "power_limit_watts": 700.0,
            "persistence": True,
            "fastest_core_mhz": 1980,
            "fastest_memory_mhz": 2619,
        }
    ]


def test_what_moves() -> None:
    assert gpu.observe(recorded()) == [
        {
            "core_mhz": 345,
            "memory_mhz": 2619,
            "celsius": 31,
            "used_percent": 12,
            "memory_used_bytes": 7340032,
            "slowed_by": ["power limit", "temperature"],
        }
    ]


def test_an_idle_card_is_not_slowed() -> None:
    # Bit 1 says "idle": no reason for a warning.
    library = recorded(nvmlDeviceGetCurrentClocksThrottleReasons=lambda _: 0x1)
    assert gpu.observe(library)[0]["slowed_by"] == []


def test_questions_that_a_card_refuses_stay_open() -> None:
    library = recorded(nvmlDeviceGetPowerManagementLimit=refuse, nvmlDeviceGetMemoryInfo=refuse)
    (card,) = gpu.describe(library)
    assert card["power_limit_watts"] is None
    assert card["memory_bytes"] is None
    assert card["name"] == "NVIDIA H100 80GB HBM3"


def test_devices_by_id() -> None:
    assert gpu.devices(recorded(nvmlDeviceGetCount=lambda: 3)) == ["0", "1", "2"]


def test_without_a_driver_there_is_nothing() -> None:
    library = recorded(nvmlInit=refuse)
    assert (gpu.devices(library), gpu.describe(library)) == ([], [])


def test_only_the_cards_that_cuda_sees_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {"card 0": b"GPU-5fa0", "card 1": "GPU-7c11"}
    library = recorded(
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetName=lambda handle: handle,
        nvmlDeviceGetUUID=ids.get,
    )
    names = {}
    for setting in ("1", "0,1", "-1", "GPU-5f", "GPU-7c11", "GPU-7c11,0", "GPU-99"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
        names[setting] = [card["name"] for card in gpu.describe(library)]
    both = ["card 0", "card 1"]
    one, other = ["card 0"], ["card 1"]
    assert names == {
        "1": other, "0,1": both, "-1": both, "GPU-5f": one, "GPU-7c11": other,
        "GPU-7c11,0": both, "GPU-99": both,
    }  # fmt: skip
