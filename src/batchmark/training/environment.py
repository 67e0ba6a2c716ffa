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
        "keras": _keras_settings(),
        "execution": "graph+onednn" if device == "cpu" else "xla",
        "deterministic": deterministic,
        "processor": processor(),
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


def processor(root: Path = Path("/")) -> str:
    """The processor's name as the kernel under `root` gives it, or what the system calls it."""
    information = root / "proc/cpuinfo"
    lines = information.read_text("utf-8", "replace").splitlines() if information.exists() else []
    rows = [line.partition(":") for line in lines]
    # "Model" on ARM. Most Linux systems have no answer of their own.
    names = [value.strip() for key, _, value in rows if key.strip() in ("model name", "Model")]
    return next(iter(names), "") or platform.processor() or platform.machine()


def _keras_settings() -> dict[str, Any]:
    """What a home folder or another module might have changed."""
    from batchmark.training import settings  # noqa: PLC0415

    return settings.in_force()
