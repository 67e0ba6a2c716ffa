"""GPUs: what NVIDIA's library says of them, and which one a process may use.

CUDA fixes a process's devices when it starts up, so the choice is made through
CUDA_VISIBLE_DEVICES before TensorFlow is imported; a lock file a device keeps two processes off
the same one.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

from batchmark.contract.errors import UserError
from batchmark.machine.locks import EXCLUSIVE, announcer, open_lock, try_lock

_VISIBLE = "CUDA_VISIBLE_DEVICES"
# Ids of whole cards and of slices of one (MIG), which CUDA takes in place of numbers.
_IDS = ("GPU-", "MIG-")
# The kernel queues for one lock, not for any of several, so waiting for a card means looking again.
_PAUSE = 0.2  # seconds


@contextmanager
def claimed(description: str, devices: Sequence[str], folder: Path | None = None) -> Iterator[str]:
    """Own one of `devices` and make it the only one that CUDA sees; wait if none is free.

    Raises UserError when there is no device at all.
    """
    if not devices:
        raise UserError(
            f"{description} asks for a GPU and none was found; set `devices: [cpu]` in the "
            "configuration, or install requirements/gpu.txt if there is one."
        )
    with ExitStack() as until_done:
        device = _free(devices, until_done, folder)
        if device is None:
            announcer(description, "the GPU")("other processes of batchmark")
        while device is None:
            time.sleep(_PAUSE)
            device = _free(devices, until_done, folder)
        until_done.enter_context(_only(device))
        yield device


def visible(found: Sequence[str]) -> list[str]:
    """The devices this process may choose from: those found, or what the user narrowed them to.

    As CUDA reads it: a list of numbers and ids that ends before the first that is none ("-1").
    """
    chosen = os.environ.get(_VISIBLE)
    if chosen is None:
        return list(found)
    names = (name.strip() for name in chosen.split(","))
    return list(takewhile(lambda name: name in found or name.startswith(_IDS), names))


def _free(devices: Sequence[str], until_done: ExitStack, folder: Path | None) -> str | None:
    for device in devices:
        file_name = "".join(c if c.isalnum() else "-" for c in device)
        handle = open_lock(f"batchmark-gpu-{file_name}.lock", folder)
        if try_lock(handle, EXCLUSIVE):
            until_done.callback(os.close, handle)
            return device
        os.close(handle)
    return None


@contextmanager
def _only(device: str) -> Iterator[None]:
    """CUDA sees this device alone until the end; then the user's choice holds again."""
    before = os.environ.get(_VISIBLE)
    os.environ[_VISIBLE] = device
    try:
        yield
    finally:
        del os.environ[_VISIBLE]
        if before is not None:
            os.environ[_VISIBLE] = before


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
