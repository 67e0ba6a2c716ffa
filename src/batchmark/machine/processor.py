"""The processor's name: apart from the other facts, since runs record it too."""

import platform
from pathlib import Path


def processor(root: Path = Path("/")) -> str:
    """The processor's name as the kernel under `root` gives it, or what the system calls it."""
    information = root / "proc/cpuinfo"
    lines = information.read_text("utf-8", "replace").splitlines() if information.exists() else []
    rows = [line.partition(":") for line in lines]
    # "Model" on ARM. Most Linux systems have no answer of their own.
    names = [value.strip() for key, _, value in rows if key.strip() in ("model name", "Model")]
    return next(iter(names), "") or platform.processor() or platform.machine()
