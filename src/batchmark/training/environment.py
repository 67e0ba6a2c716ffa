"""What a run records about the software and hardware it ran on: no host names, no paths."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from batchmark.training import switches

_PACKAGES = ("batchmark", "tensorflow", "tensorflow_cpu", "keras", "numpy")


def describe(device: switches.Device, deterministic: bool) -> dict[str, Any]:
    """Versions, switches in force and processor of this process."""
    return {
        "versions": versions(),
        "switches": switches.in_force(),
        "execution": "graph+onednn" if device == "cpu" else "xla",
        "deterministic": deterministic,
        "processor": _processor(),
        "gpu": _gpu() if device == "gpu" else None,
        "cores": os.cpu_count(),
    }


def decisive(environment: dict[str, Any]) -> dict[str, Any]:
    """What results depend on bit for bit: neither how many cores, nor which of several cards.

    Nor our own version: our code counts by its content.
    """
    switches_ = {k: v for k, v in environment["switches"].items() if k != "CUDA_VISIBLE_DEVICES"}
    others = {k: v for k, v in environment["versions"].items() if k != "batchmark"}
    return {**environment, "switches": switches_, "versions": others, "cores": None}


def versions() -> dict[str, str]:
    """Versions to record; results of different libraries are not mixed."""
    found = {name: _version(name) for name in _PACKAGES}
    installed = {name: text for name, text in found.items() if text}
    return {"python": platform.python_version(), **installed}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gpu() -> str | None:
    """The model of the card that TensorFlow uses."""
    import tensorflow as tf  # noqa: PLC0415

    cards = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(cards[0]).get("device_name") if cards else None


def _processor() -> str:
    """The processor's model name; `platform.processor` is empty on most Linux systems."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
