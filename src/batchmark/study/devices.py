"""Which devices the plan uses, decided before any job starts and without TensorFlow."""

from collections.abc import Sequence
from typing import Literal

import pynvml

from batchmark.errors import UserError
from batchmark.study.requests import Device


def gpu_count() -> int:
    """The number of NVIDIA GPUs of this machine; 0 where there is no driver."""
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
            "devices = [gpu]: this machine has no NVIDIA GPU that its driver reports; "
            "use devices: auto or [cpu]."
        )
    return list(dict.fromkeys(wanted))
