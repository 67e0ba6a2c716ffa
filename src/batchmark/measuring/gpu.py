"""Which GPU a process may use: one each, chosen before TensorFlow is imported.

CUDA fixes a process's devices when it starts up, so the choice is made through
CUDA_VISIBLE_DEVICES; a lock file a device keeps two processes off the same one.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path

from batchmark.errors import UserError
from batchmark.measuring.locks import EXCLUSIVE, announcer, open_lock, try_lock

_VISIBLE = "CUDA_VISIBLE_DEVICES"
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
        handle = open_lock(_lock_name(device), folder)
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


def _lock_name(device: str) -> str:
    return f"batchmark-gpu-{''.join(c if c.isalnum() else '-' for c in device)}.lock"
