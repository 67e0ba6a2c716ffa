"""What a process needs before it trains, and what is recorded of it."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from batchmark.contract.devices import KINDS, Device
from batchmark.contract.errors import UserError
from batchmark.machine import cards
from batchmark.machine.locks import shared
from batchmark.machine.processor import processor

# What narrows a process to some cards, of every kind.
VISIBLE = [kind.cards.variable for kind in KINDS.values() if kind.cards]
NAMES = (
    "TF_ENABLE_ONEDNN_OPTS",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_DETERMINISTIC_OPS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "KERAS_BACKEND",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
    *sorted({name for kind in KINDS.values() for name in kind.switches}),
    *VISIBLE,
)


_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# Loops of a timing that are not told how to compute.
AS_INSTALLED = ("fit", "torch")
_ORDINARY = re.compile(
    r"(--?(tf_)?xla_\w+=?)?(-?\d+(,\d+)*|true|false|STRICT|tensorflow|(AVX|SSE)[A-Z0-9_]*)?"
)


def apply(
    device: Device, threads: int, deterministic: bool = False, *, loop: str = "graph"
) -> None:
    """Choose the execution path of this process: `threads` 0 means all cores.

    oneDNN is asked for by name because TensorFlow leaves it off on some processors, and float32
    stays float32 (no TF32, no bfloat16) so that machines compare. Keras reads no settings from a
    home folder. The loops `fit` and `torch` of a timing have what is installed: neither oneDNN nor
    threads are chosen, and Keras computes with PyTorch. Raises RuntimeError when
    TensorFlow is imported already with others, because these would then be ignored.
    """
    switches = {
        "KERAS_BACKEND": "torch" if loop == "torch" else "tensorflow",
        # No folder, so it holds no keras.json; Keras then keeps downloads in /tmp/.keras.
        "KERAS_HOME": f"{os.devnull}/keras",
        "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    if loop not in AS_INSTALLED:
        switches |= {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    if threads and loop not in AS_INSTALLED:
        switches |= dict.fromkeys(_THREADS, str(threads))
    kind = KINDS[device]
    switches |= kind.switches
    if kind.cards:
        switches["TF_DETERMINISTIC_OPS"] = "1" if deterministic else "0"
    shown = kind.cards.variable if kind.cards else None
    switches |= {name: "-1" for name in VISIBLE if name != shown}
    if "tensorflow" in sys.modules and not switches.items() <= os.environ.items():
        raise RuntimeError("switches.apply must run before TensorFlow is imported")
    os.environ.update(switches)


def in_fork(threads: int) -> None:
    """The number of threads where TensorFlow was imported before this process was forked.

    It reads them when it first computes, which no fork has done yet; `apply` then finds them set.
    """
    if "tensorflow" in sys.modules:
        os.environ.update(dict.fromkeys(_THREADS, str(threads)))


def in_force() -> dict[str, str]:
    """The switches set in this process, for the records.

    Ordinary words as they are, others (a path, a card's own number) by a digest that still tells
    different ones apart.
    """
    return {name: _recorded(os.environ[name]) for name in NAMES if name in os.environ}


def _recorded(setting: str) -> str:
    return " ".join(
        word if _ORDINARY.fullmatch(word) else f"({sha256(word.encode()).hexdigest()[:8]})"
        for word in setting.split()
    )


def require(device: Device) -> None:
    """Raise UserError when TensorFlow finds no card where one is asked for.

    It would quietly compute on the CPU, and results would be called a GPU's. Imports TensorFlow,
    so the switches must be set.
    """
    kind = KINDS[device]
    if kind.cards is None:
        return
    import tensorflow as tf  # noqa: PLC0415

    if not tf.config.list_physical_devices(kind.tensorflow):
        raise UserError(
            f"device = {device}: TensorFlow finds no {kind.name} here; check {kind.cards.remedy}, "
            "or set `devices: [cpu]`."
        )


@contextmanager
def beside_others(name: str, device: Device, deterministic: bool) -> Iterator[None]:
    """A process of one thread among others, on the CPU or on a card of its own.

    Raises UserError when there is no such device. TensorFlow must not be imported before.
    """
    with shared(name), cards.own(name, device):
        apply(device, threads=1, deterministic=deterministic)
        require(device)
        yield


_TENSORFLOWS = {kind.cards.package for kind in KINDS.values() if kind.cards}
_PACKAGES = ("batchmark", *sorted(_TENSORFLOWS), "tensorflow_cpu", "keras", "llvmlite", "numpy")


def describe(device: Device, deterministic: bool) -> dict[str, Any]:
    """Versions, switches in force and processor of this process."""
    return {
        "versions": versions(),
        "switches": in_force(),
        "keras": _keras_settings(),
        "execution": "xla" if KINDS[device].compiled else "graph+onednn",
        "deterministic": deterministic,
        "processor": processor(),
        "gpu": _card(device) if KINDS[device].cards else None,
        "cores": os.cpu_count(),
    }


def decisive(environment: dict[str, Any]) -> dict[str, Any]:
    """What results depend on bit for bit: neither how many cores, nor which of several cards.

    Nor our own version: our code counts by its content.
    """
    switches_ = {k: v for k, v in environment["switches"].items() if k not in VISIBLE}
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


def _card(device: Device) -> str | None:
    """The model of the card that TensorFlow uses."""
    import tensorflow as tf  # noqa: PLC0415

    found = tf.config.list_physical_devices(KINDS[device].tensorflow)
    return tf.config.experimental.get_device_details(found[0]).get("device_name") if found else None


def _keras_settings() -> dict[str, Any]:
    """What a home folder or another module might have changed."""
    from batchmark.training import plugins  # noqa: PLC0415

    return plugins.in_force()
