"""Which devices the plan uses, decided before any job starts and without TensorFlow."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Literal

from batchmark.contract.requests.message import Device
from batchmark.errors import UserError
from batchmark.measuring import gpu, nvidia


def gpu_count() -> int:
    """The number of this machine's NVIDIA GPUs that the user lets CUDA see."""
    return len(gpu.visible(nvidia.devices()))


def usable_gpu_count() -> int:
    """The number of them that the installed TensorFlow can use: none with its CPU build."""
    cuda = _installed("tensorflow") and not _installed("tensorflow_cpu")
    return gpu_count() if cuda else 0


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


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
