"""Which devices the plan uses, decided before any job starts and without TensorFlow."""

from collections.abc import Sequence
from typing import Literal

from batchmark.errors import UserError
from batchmark.measuring import gpu, nvidia
from batchmark.study.requests import Device


def gpu_count() -> int:
    """The number of this machine's NVIDIA GPUs that the user lets CUDA see."""
    return len(gpu.visible(nvidia.devices()))


def resolve_devices(wanted: Literal["auto"] | Sequence[Device], gpus: int | None) -> list[Device]:
    """The devices to run on. Raises UserError when a GPU is wanted and there is none.

    `gpus` None: jobs run on other machines, whose GPUs cannot be counted from here.
    """
    if wanted == "auto":
        return ["cpu", "gpu"] if gpus else ["cpu"]
    if "gpu" in wanted and gpus == 0:
        raise UserError(
            "devices = [gpu]: this machine has no NVIDIA GPU that its driver reports and "
            "CUDA_VISIBLE_DEVICES allows; use devices: auto or [cpu]."
        )
    return list(dict.fromkeys(wanted))
