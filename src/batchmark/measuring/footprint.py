"""What a subject's training step needs that no clock tells: operations and memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from batchmark.contract.requests.time import TimingSubject
from batchmark.measuring import memory, nvidia
from batchmark.measuring.setup import Conditions, Laboratory


@dataclass(frozen=True)
class Footprint:
    """Per step; None where it cannot be told."""

    flops: float | None = None
    peak_memory_bytes: int | None = None


class Scales:
    """Weighs one subject after the other, in a process of its own."""

    def __init__(self, conditions: Conditions) -> None:
        # Otherwise oneDNN keeps freed memory for itself, and the next subject seems to need none.
        os.environ["TF_ONEDNN_USE_SYSTEM_ALLOCATOR"] = "1"
        self._laboratory = Laboratory(conditions)

    def resident(self) -> int | None:
        """Bytes that libraries and data occupy before anything is weighed; on a GPU, all in use."""
        if not self._laboratory.compiled:
            return memory.resident()
        cards = nvidia.observe()
        return cards[0]["memory_used_bytes"] if cards else None

    def weigh(self, subject: TimingSubject) -> Footprint:
        """FLOPs and peak memory of a training step; nothing of what cannot be trained.

        Memory is that of the weights, of the optimizer's state, and what training adds to it.
        """
        from batchmark.measuring import flops  # noqa: PLC0415

        try:
            session = self._laboratory.open(subject, seed=0)
            step = session.step_function()
            kept = sum(variable.numpy().nbytes for variable in session.variables())
            added = self._peak(partial(self._train, session, step))
        except Exception:  # whatever it is, the stopwatch will meet it and say so
            return Footprint()
        return Footprint(
            flops.count(step.graph, step.outputs), None if added is None else kept + added
        )

    def _train(self, session: Any, step: Any) -> None:
        if self._laboratory.compiled:
            session.train(2)
            return
        indices = np.arange(session.batches.batch_size, dtype=np.int32)
        for _ in range(2):
            step(indices)

    def _peak(self, work: Callable[[], None]) -> int | None:
        return _gpu_peak(work) if self._laboratory.compiled else memory.peak(work)


def _gpu_peak(work: Callable[[], None]) -> int:
    """Bytes that TensorFlow's allocator hands out on the GPU over its state before `work`."""
    import tensorflow as tf  # noqa: PLC0415

    work()  # compiles, which takes memory of its own
    tf.config.experimental.reset_memory_stats("GPU:0")
    before = tf.config.experimental.get_memory_info("GPU:0")["current"]
    work()
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] - before
