"""Peak memory of a piece of work, and the batch size that memory would allow.

Linux keeps a high-water mark of resident memory and lets a process reset it, so many subjects
can be measured in one process: what earlier ones freed is given back to the system first.
"""

import ctypes
import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

PROC = Path("/proc/self")


def peak(work: Callable[[], None], proc: Path = PROC) -> int | None:
    """Bytes by which the process's high-water mark rises over its state before `work`.

    None where the system keeps no high-water mark or does not let it be reset; `work` is done
    all the same.
    """
    gc.collect()
    give_back_freed_memory()
    known = _reset_high_water_mark(proc)
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


def _reset_high_water_mark(proc: Path) -> bool:
    try:
        (proc / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _kibibytes(proc: Path, key: str) -> int | None:
    try:
        rows = (proc / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [row.split()[1] for row in rows if row.startswith(f"{key}:")]
    return int(found[0]) if found else None
