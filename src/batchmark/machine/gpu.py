"""GPUs: what NVIDIA's library says of them."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

Facts = dict[str, Any]


def devices(nvml: Any = None) -> list[str]:
    """The GPUs' ids as CUDA_VISIBLE_DEVICES takes them ("0", "1" …); none without a driver."""
    return _asked(nvml, lambda library: [str(i) for i in range(library.nvmlDeviceGetCount())], [])


def describe(nvml: Any = None) -> list[Facts]:
    """What stays: name, driver, memory, limits. None: the card does not tell."""
    return _asked(nvml, lambda library: [_standing(library, one) for one in _handles(library)], [])


def observe(nvml: Any = None) -> list[Facts]:
    """What moves: clocks (MHz), temperature (°C), use (%), memory (bytes), reasons for slowing."""
    return _asked(nvml, lambda library: [_moving(library, one) for one in _handles(library)], [])


def _asked(nvml: Any, question: Callable[[Any], list[Any]], otherwise: list[Any]) -> list[Any]:
    """The library's answer, or `otherwise` where the library or the driver is missing.

    The binding raises errors of its own, one class a reason.
    """
    try:
        library = nvml or import_module("pynvml")
        library.nvmlInit()
    except Exception:
        return otherwise
    try:
        return question(library)
    finally:
        library.nvmlShutdown()


def _handles(library: Any) -> list[Any]:
    """The cards that CUDA_VISIBLE_DEVICES names, by number or beginning of id; all if none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    every = [library.nvmlDeviceGetHandleByIndex(i) for i in range(library.nvmlDeviceGetCount())]
    ids = [_text(_try(library, "nvmlDeviceGetUUID", handle)) or "" for handle in every]
    named = [
        handle
        for number, (handle, id_) in enumerate(zip(every, ids, strict=True))
        if any(c == str(number) or (c[:4] == "GPU-" and id_.startswith(c)) for c in chosen)
    ]
    return named or every


def _standing(library: Any, handle: Any) -> Facts:
    milliwatts = _try(library, "nvmlDeviceGetPowerManagementLimit", handle)
    persistence = _try(library, "nvmlDeviceGetPersistenceMode", handle)
    return {
        "name": _text(_try(library, "nvmlDeviceGetName", handle)),
        "driver": _text(_try(library, "nvmlSystemGetDriverVersion")),
        "memory_bytes": getattr(_try(library, "nvmlDeviceGetMemoryInfo", handle), "total", None),
        "power_limit_watts": None if milliwatts is None else milliwatts / 1000,
        "persistence": None if persistence is None else bool(persistence),
        "fastest_core_mhz": _clock(library, "nvmlDeviceGetMaxClockInfo", handle, "NVML_CLOCK_SM"),
        "fastest_memory_mhz": _clock(
            library, "nvmlDeviceGetMaxClockInfo", handle, "NVML_CLOCK_MEM"
        ),
    }


def _moving(library: Any, handle: Any) -> Facts:
    return {
        "core_mhz": _clock(library, "nvmlDeviceGetClockInfo", handle, "NVML_CLOCK_SM"),
        "memory_mhz": _clock(library, "nvmlDeviceGetClockInfo", handle, "NVML_CLOCK_MEM"),
        "celsius": _try(
            library, "nvmlDeviceGetTemperature", handle, getattr(library, "NVML_TEMPERATURE_GPU", 0)
        ),
        "used_percent": getattr(
            _try(library, "nvmlDeviceGetUtilizationRates", handle), "gpu", None
        ),
        "memory_used_bytes": getattr(
            _try(library, "nvmlDeviceGetMemoryInfo", handle), "used", None
        ),
        "slowed_by": _slowed_by(library, handle),
    }


# Bits of nvmlClocksThrottleReason*: power cap, hardware slowdown, thermal, power brake.
_REASONS = {
    0x4: "power limit",
    0x8: "hardware slowdown",
    0x20: "temperature",
    0x40: "temperature",
    0x80: "power brake",
}


def _slowed_by(library: Any, handle: Any) -> list[str]:
    bits = _try(library, "nvmlDeviceGetCurrentClocksThrottleReasons", handle) or 0
    return sorted({reason for bit, reason in _REASONS.items() if bits & bit})


def _try(library: Any, name: str, *arguments: Any) -> Any:
    """One answer, or None: older cards and virtual ones do not know every question."""
    try:
        return getattr(library, name)(*arguments)
    except Exception:
        return None


def _clock(library: Any, name: str, handle: Any, domain: str) -> Any:
    return _try(library, name, handle, getattr(library, domain, 1))


def _text(answer: Any) -> str | None:
    return answer.decode() if isinstance(answer, bytes) else answer
