"""Facts about the machine that a reader of a timing needs, and nothing that names its owner.

Results are published: no host name, no user name, no path. Everything read from /proc and /sys
goes through `root`, so that recorded machines can be read as well. None: the machine won't tell.
"""

import os
import platform
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from batchmark.contract.devices import Device
from batchmark.machine import cards
from batchmark.machine.processor import processor

Facts = dict[str, Any]
ROOT = Path("/")


def describe(root: Path = ROOT) -> Facts:
    """What stays the same during a session: processor, limits, memory, operating system, GPUs."""
    return {
        "cpu": processor(root),
        "cores": psutil.cpu_count(logical=False),
        "hardware_threads": psutil.cpu_count(),
        "usable_threads": usable_threads(root),
        "affinity": affinity(),
        "cgroup_cpus": cgroup_cpus(root),
        "governor": governor(root),
        "turbo": turbo(root),
        "memory_bytes": memory_limit(root),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "gpus": cards.describe(),
    }


def observe(device: Device, root: Path = ROOT, family: Iterable[int] = ()) -> Facts:
    """What moves: taken before and after a session on `device`. Times are in seconds.

    `family`: the processes that measure beside this one.
    """
    usable = usable_times()
    return {
        "load": list(os.getloadavg()),
        "frequency_mhz": frequencies(root),
        "memory_available_bytes": psutil.virtual_memory().available,
        "busy_seconds": sum(map(busy_seconds, usable)),
        "stolen_seconds": sum(getattr(times, "steal", 0.0) for times in usable),
        "own_seconds": own_seconds(family),
        "elapsed_seconds": time.monotonic(),
        "cgroup_throttled": cgroup_throttled(root),
        "thermal_throttled": thermal_throttled(root),
        "gpus": cards.observe(device),
    }


def usable_times() -> list[Any]:
    """psutil's CPU times of the hardware threads this process is allowed on.

    On a shared machine the others belong to somebody else, whose work is no disturbance.
    """
    times = psutil.cpu_times(percpu=True)
    # Linux numbers the threads that are online; those that are off leave gaps.
    return [times[i] for i in affinity() if i < len(times)] or times


def busy_seconds(times: Any) -> float:
    """Seconds that a hardware thread did not idle. Time of guests is part of `user` and `nice`."""
    idle = ("idle", "iowait", "guest", "guest_nice")
    return sum(value for name, value in times._asdict().items() if name not in idle)


def own_seconds(family: Iterable[int] = ()) -> float:
    """CPU seconds of this process and of its `family`, as far as that lives."""
    seconds = 0.0
    for pid in (os.getpid(), *family):
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            seconds += times.user + times.system
    return seconds


def lacked_ns(cores: int) -> int:
    """A counter, in nanoseconds: the time of so many cores that this process has not had so far.

    Because it had nothing to do, others ran or the host of a virtual machine took them. Where the
    system counts the host's share as the process's, it is known apart. Only differences tell.
    """
    stolen = sum(getattr(times, "steal", 0.0) for times in usable_times())
    had = time.process_time_ns() - int(stolen * 1e9)
    return cores * time.perf_counter_ns() - had


def code(folder: Path = Path(__file__).parent) -> Facts:
    """The git commit of this code and whether it was changed since; None outside a checkout."""
    if not _git(folder, "ls-files", "--error-unmatch", Path(__file__).name):
        return {"commit": None, "dirty": None}
    return {
        "commit": _git(folder, "rev-parse", "HEAD"),
        "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
    }


def usable_threads(root: Path = ROOT) -> int:
    """How many hardware threads this process may keep busy: affinity and cgroup quota."""
    quota = cgroup_cpus(root)
    allowed = len(affinity())
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def affinity() -> list[int]:
    """The hardware threads this process is allowed on; all where the system has no affinity."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(psutil.cpu_count() or 1))


def cgroup_cpus(root: Path = ROOT) -> float | None:
    """The smallest CPU quota of the cgroup and those around it, in cores; None without a limit."""
    limits = [(_read(folder / "cpu.max") or "max").split() for folder in _cgroups(root)]
    quotas = [int(limit[0]) / int(limit[1]) for limit in limits if limit[0].isdigit()]
    return min(quotas) if quotas else _cgroup_v1_cpus(root)


def memory_limit(root: Path = ROOT) -> int:
    """Bytes of memory this process may use: the machine's, or a smaller cgroup limit."""
    limits = [_read(folder / "memory.max") for folder in _cgroups(root)]
    limits.append(_read(root / "sys/fs/cgroup/memory/memory.limit_in_bytes"))
    numbers = [int(limit) for limit in limits if limit and limit.isdigit()]
    return min([psutil.virtual_memory().total, *numbers])


def cgroup_throttled(root: Path = ROOT) -> int | None:
    """How often quotas have stopped this process's cgroup or one around it so far."""
    folders = [*_cgroups(root), root / "sys/fs/cgroup/cpu"]
    rows = [
        row.split() for folder in folders for row in (_read(folder / "cpu.stat") or "").splitlines()
    ]
    counts = [int(count) for key, count in rows if key == "nr_throttled"]
    return sum(counts) if counts else None


def governor(root: Path = ROOT) -> str | None:
    """The frequency governor, several joined by a comma if the cores differ."""
    paths = _cpu_files(root, "cpufreq/scaling_governor")
    return ", ".join(sorted({text for path in paths if (text := _read(path))})) or None


def turbo(root: Path = ROOT) -> bool | None:
    """Whether the processor may exceed its nominal frequency."""
    folder = root / "sys/devices/system/cpu"
    no_turbo, boost = _read(folder / "intel_pstate/no_turbo"), _read(folder / "cpufreq/boost")
    if no_turbo is not None:
        return no_turbo == "0"
    return None if boost is None else boost == "1"


def frequencies(root: Path = ROOT) -> list[float]:
    """The present frequency of each core, MHz; empty where neither sysfs nor cpuinfo tells."""
    paths = _cpu_files(root, "cpufreq/scaling_cur_freq")
    if paths:
        return [int(_read(path) or 0) / 1000 for path in paths]
    rows = [line.split(":") for line in (_read(root / "proc/cpuinfo") or "").splitlines()]
    return [float(row[1]) for row in rows if row[0].strip() == "cpu MHz"]


def thermal_throttled(root: Path = ROOT) -> int | None:
    """How often the cores have slowed down for heat so far."""
    counts = [_read(path) for path in _cpu_files(root, "thermal_throttle/core_throttle_count")]
    return sum(int(count) for count in counts if count) if counts else None


def _cgroups(root: Path) -> list[Path]:
    """The folders of this process's cgroup (version 2), from its own to the outermost."""
    # Limits of the outer groups hold for the inner ones.
    base = root / "sys/fs/cgroup"
    rows = [row for row in (_read(root / "proc/self/cgroup") or "").splitlines() if "::" in row]
    inner = Path(rows[0].partition("::")[2].lstrip("/")) if rows else Path()
    return [base / folder for folder in (inner, *inner.parents)] if inner.parts else [base]


def _cgroup_v1_cpus(root: Path) -> float | None:
    folder = root / "sys/fs/cgroup/cpu"
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _cpu_files(root: Path, name: str) -> list[Path]:
    return sorted((root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/{name}"))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
