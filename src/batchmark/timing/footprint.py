"""Peak memory of a piece of work, and the batch size that memory would allow."""

import ctypes
import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from batchmark.contract.devices import KINDS, Device
from batchmark.contract.requests.time import TimingSubject
from batchmark.machine import cards
from batchmark.timing.process import Conditions, Runtime
from batchmark.training import environment

PROC = Path("/proc/self")


def peak(work: Callable[[], None], proc: Path = PROC) -> int | None:
    """Bytes by which the process's high-water mark rises over its state before `work`.

    None where the system keeps no high-water mark or does not let it be reset; `work` is done
    all the same.
    """
    gc.collect()
    give_back_freed_memory()
    try:
        # "5" sets VmHWM back to what is resident now (proc(5)); some containers forbid it.
        (proc / "clear_refs").write_text("5")
        known = True
    except OSError:
        known = False
    before = _kibibytes(proc, "VmRSS")
    work()
    after = _kibibytes(proc, "VmHWM")
    if not known or before is None or after is None:
        return None
    return max(0, after - before) * 1024


def largest_batch_size(
    batch_sizes: Sequence[int], peaks: Sequence[int], available: int
) -> int | None:
    """The batch size at which a least-squares line through memory reaches `available` bytes.

    None when fewer than three sizes were measured or memory does not grow with them.
    """
    # A line through two points always fits; a third tells whether memory grows in a line.
    if len(set(batch_sizes)) < 3:
        return None
    slope, intercept = np.polyfit(batch_sizes, peaks, 1)
    if slope <= 0 or available <= intercept:
        return None
    return int((available - intercept) / slope)


def give_back_freed_memory() -> None:
    """Return free heap pages to the system where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def resident(proc: Path = PROC) -> int | None:
    """Bytes of memory this process occupies."""
    kibibytes = _kibibytes(proc, "VmRSS")
    return None if kibibytes is None else kibibytes * 1024


def _kibibytes(proc: Path, key: str) -> int | None:
    try:
        rows = (proc / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    values = [int(row.split()[1]) for row in rows if row.startswith(f"{key}:")]
    return values[0] if values else None


@dataclass(frozen=True)
class Footprint:
    """Per step; None where it cannot be told."""

    flops: float | None = None
    peak_memory_bytes: int | None = None


class Profiler:
    """Finds the footprint of one subject after the other, in a process of its own."""

    def __init__(self, conditions: Conditions) -> None:
        # Otherwise oneDNN keeps freed memory for itself, and the next subject seems to need none.
        os.environ["TF_ONEDNN_USE_SYSTEM_ALLOCATOR"] = "1"
        self._runtime = Runtime(conditions)
        environment.require(conditions.device)

    def resident(self) -> int | None:
        """Bytes that libraries and data occupy before any session; on a card, all in use."""
        if KINDS[self._runtime.device].cards is None:
            return resident()
        facts = cards.observe(self._runtime.device)
        return facts[0]["memory_used_bytes"] if facts else None

    def footprint(self, subject: TimingSubject) -> Footprint:
        """FLOPs and peak memory of a training step; nothing of what cannot be trained.

        Memory is that of the weights, of the optimizer's state, and what training adds to it.
        """
        from batchmark.timing import arithmetic  # noqa: PLC0415

        try:
            session = self._runtime.open(subject, seed=0)
            step = session.step_function()
            kept = sum(variable.numpy().nbytes for variable in session.variables())
            work = partial(self._train, session, step)
            device = self._runtime.device
            added = _card_peak(work, device) if KINDS[device].cards else peak(work)
        except (Exception, SystemExit):  # whatever it is, the timer will meet it and say so
            return Footprint()
        return Footprint(
            arithmetic.count(step.graph, step.outputs), None if added is None else kept + added
        )

    def _train(self, session: Any, step: Any) -> None:
        if self._runtime.compiled:
            session.train(2)
            return
        indices = np.arange(session.batches.batch_size, dtype=np.int32)
        # Twice: the second step runs while the first one's memory is still there.
        for _ in range(2):
            step(indices)


def _card_peak(work: Callable[[], None], device: Device) -> int:
    """Bytes that TensorFlow's allocator hands out on the card over its state before `work`."""
    import tensorflow as tf  # noqa: PLC0415

    work()  # compiles, which takes memory of its own
    card = f"{KINDS[device].tensorflow}:0"
    tf.config.experimental.reset_memory_stats(card)
    before = tf.config.experimental.get_memory_info(card)["current"]
    work()
    return tf.config.experimental.get_memory_info(card)["peak"] - before
