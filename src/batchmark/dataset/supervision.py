"""Running one blocking action under a clock that the action cannot stop."""

import threading
import time
from collections.abc import Callable

from batchmark.dataset.limits import Limits, MirrorError


class _Worker(threading.Thread):
    """Runs the action, keeps what it raised. A daemon: stuck, it must not keep Python alive."""

    def __init__(self, action: Callable[[], object]):
        super().__init__(daemon=True)
        self.action = action
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.action()
        except Exception as error:  # handed to the caller
            self.error = error


def finish_within(seconds: float, action: Callable[[], object], reason: str) -> None:
    """Run `action`, or raise MirrorError(reason) when it takes longer than `seconds`.

    Socket time-outs bound single operations only, and name resolution not at all.
    """
    worker = _Worker(action)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        raise MirrorError(reason)
    if worker.error is not None:
        raise worker.error


def keep_pace(action: Callable[[], object], received: Callable[[], int], limits: Limits) -> None:
    """Run `action` while it receives `limits.slowest` bytes per second in every `limits.read` s.

    The first window is longer, so that a connection may be made and an answer begin. Raises
    MirrorError when the pace is not kept or `limits.total` has passed; else what `action` raises.
    """
    worker = _Worker(action)
    worker.start()
    end = time.monotonic() + limits.total
    patience, least = limits.connect + 2 * limits.read, 1.0
    while worker.is_alive():
        before = received()
        worker.join(max(0.0, min(patience, end - time.monotonic())))
        if worker.is_alive() and time.monotonic() >= end:
            raise MirrorError(f"not finished after {limits.total:g} s")
        if worker.is_alive() and received() - before < least:
            raise MirrorError(f"slower than {limits.slowest:,.0f} bytes per second")
        patience, least = limits.read, limits.slowest * limits.read
    if worker.error is not None:
        raise worker.error
