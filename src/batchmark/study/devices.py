"""Which devices the plan uses, decided before any job starts and without TensorFlow."""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Literal

import pynvml

from batchmark.errors import UserError
from batchmark.study.requests import Device


def gpu_count() -> int:
    """The number of GPUs that TensorFlow can use here.

    0 without an NVIDIA driver, with a TensorFlow for the CPU alone, and where
    CUDA_VISIBLE_DEVICES hides all.
    """
    if _installed("tensorflow_cpu") or not _installed("tensorflow"):
        return 0
    return _unmasked(_reported_by_driver())


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _unmasked(found: int) -> int:
    """How many of the GPUs `found` CUDA_VISIBLE_DEVICES leaves; "" and -1 name none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return found
    return min(found, sum(one.strip() not in {"", "-1"} for one in chosen.split(",")))


def _reported_by_driver() -> int:
    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return 0
    return count


def resolve_devices(wanted: Literal["auto"] | Sequence[Device], gpus: int | None) -> list[Device]:
    """The devices to run on. Raises UserError when a GPU is wanted and there is none.

    `gpus` None: jobs run on other machines, whose GPUs cannot be counted from here.
    """
    if wanted == "auto":
        return ["cpu", "gpu"] if gpus else ["cpu"]
    if "gpu" in wanted and gpus == 0:
        raise UserError(
            "devices = [gpu]: no NVIDIA GPU can be used here: the driver reports none, "
            "CUDA_VISIBLE_DEVICES hides them or the installed TensorFlow is the CPU's "
            "(`make report GPU=1` installs the other); use devices: auto or [cpu]."
        )
    return list(dict.fromkeys(wanted))
