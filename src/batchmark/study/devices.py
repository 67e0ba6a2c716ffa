"""Which devices the plan uses, decided before any job starts and without TensorFlow."""

import os
from collections.abc import Sequence
from importlib import metadata
from typing import Literal

import pynvml

from batchmark.errors import UserError
from batchmark.study.requests import Device


def gpu_count() -> int:
    """The number of NVIDIA GPUs that jobs on this machine can use.

    0 where there is no driver, where CUDA_VISIBLE_DEVICES hides them all, and where TensorFlow's
    CPU build is installed, which would train on the CPU in their place.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or _tensorflow_is_for_cpus():
        return 0
    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return 0
    return count


def _tensorflow_is_for_cpus() -> bool:
    return any(metadata.distributions(name="tensorflow-cpu"))


def resolve_devices(wanted: Literal["auto"] | Sequence[Device], gpus: int | None) -> list[Device]:
    """The devices to run on. Raises UserError when a GPU is wanted and there is none.

    `gpus` None: jobs run on other machines, whose GPUs cannot be counted from here.
    """
    if wanted == "auto":
        return ["cpu", "gpu"] if gpus else ["cpu"]
    if "gpu" in wanted and gpus == 0:
        raise UserError(
            "devices = [gpu]: no NVIDIA GPU can be used here (no driver, hidden by "
            "CUDA_VISIBLE_DEVICES, or TensorFlow's CPU build is installed: make report GPU=1); "
            "use devices: auto or [cpu]."
        )
    return list(dict.fromkeys(wanted))
