"""Facts read from recorded machines, and nothing that names the owner of this one."""

import getpass
import json
import re
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from batchmark.machine import facts as machine
from batchmark.timing.warnings import busy

Recording = Callable[[dict[str, str]], Path]


@pytest.fixture
def recorded(tmp_path: Path) -> Recording:
    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        return tmp_path

    return write


CPU = "sys/devices/system/cpu"


def test_a_laptop_with_a_governor(recorded: Recording) -> None:
    root = recorded(
        {
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz\ncpu MHz\t\t: 800.0",
            f"{CPU}/cpu0/cpufreq/scaling_governor": "powersave",
            f"{CPU}/cpu1/cpufreq/scaling_governor": "performance",
            f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "2900000",
            f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "3100000",
            f"{CPU}/intel_pstate/no_turbo": "1",
            f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "4",
            f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "1",
        }
    )
    assert machine.describe(root)["cpu"] == "Some CPU @ 3.0GHz"
    assert machine.governor(root) == "performance, powersave"
    assert machine.frequencies(root) == [2900.0, 3100.0]
    assert machine.turbo(root) is False
    assert machine.thermal_throttled(root) == 5


def test_a_container_with_a_quota_on_an_outer_group(recorded: Recording) -> None:
    root = recorded(
        {
            "proc/self/cgroup": "0::/pod/box",
            "sys/fs/cgroup/pod/box/cpu.max": "max 100000",
            "sys/fs/cgroup/pod/cpu.max": "50000 100000",
            "sys/fs/cgroup/pod/memory.max": "1000000",
            "sys/fs/cgroup/pod/box/cpu.stat": "usage_usec 5\nnr_throttled 0",
            "sys/fs/cgroup/pod/cpu.stat": "usage_usec 9\nnr_throttled 7",
        }
    )
    assert machine.cgroup_cpus(root) == 0.5
    assert machine.usable_threads(root) == 1
    assert machine.memory_limit(root) == 1000000
    assert machine.cgroup_throttled(root) == 7


def test_the_smallest_quota_of_nested_groups_counts(recorded: Recording) -> None:
    root = recorded(
        {
            "proc/self/cgroup": "0::/pod/box",
            "sys/fs/cgroup/pod/box/cpu.max": "400000 100000",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000",
        }
    )
    assert machine.cgroup_cpus(root) == 1.5


def test_a_container_of_the_older_kind(recorded: Recording) -> None:
    folder = "sys/fs/cgroup/cpu"
    root = recorded(
        {
            f"{folder}/cpu.cfs_quota_us": "150000",
            f"{folder}/cpu.cfs_period_us": "100000",
            f"{folder}/cpu.stat": "nr_periods 12\nnr_throttled 3\nthrottled_time 8",
        }
    )
    assert machine.cgroup_cpus(root) == 1.5
    # A second thread would be stopped half of the time.
    assert machine.usable_threads(root) == 1
    assert machine.cgroup_throttled(root) == 3


CpuTimes = namedtuple("CpuTimes", "user nice system idle iowait irq softirq steal guest guest_nice")
CPU_TIMES = [
    # A guest's 30 seconds are in `user` already.
    CpuTimes(50, 0, 10, 900, 5, 1, 2, 4, 30, 0),
    CpuTimes(500, 0, 0, 500, 0, 0, 0, 100, 0, 0),
]


@pytest.mark.parametrize(
    ("allowed", "busy", "stolen"), [([0], 67, 4), ([1], 600, 100), ([0, 1], 667, 104)]
)
def test_other_peoples_cores_are_no_disturbance(
    monkeypatch: pytest.MonkeyPatch, allowed: list[int], busy: int, stolen: int
) -> None:
    monkeypatch.setattr(machine, "affinity", lambda: allowed)
    monkeypatch.setattr(machine.psutil, "cpu_times", lambda percpu: CPU_TIMES)
    seen = machine.observe("cpu")
    assert (seen["busy_seconds"], seen["stolen_seconds"]) == (busy, stolen)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert machine.governor(tmp_path) is None
    assert machine.turbo(tmp_path) is None
    assert machine.frequencies(tmp_path) == []
    assert machine.cgroup_cpus(tmp_path) is None
    assert machine.cgroup_throttled(tmp_path) is None
    assert machine.thermal_throttled(tmp_path) is None
    assert machine.usable_threads(tmp_path) == len(machine.affinity())


def test_facts_are_json_and_name_nobody() -> None:
    facts = [machine.describe(), machine.observe("cpu"), machine.code()]
    text = json.dumps(facts, allow_nan=False)
    for name in (socket.gethostname(), getpass.getuser()):
        assert not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    assert str(Path.home()) not in text


def test_a_process_beside_is_a_disturbance_and_this_one_is_not() -> None:
    burn = "import time\nwhile time.process_time() < {}: pass"
    before = machine.observe("cpu")
    subprocess.run([sys.executable, "-c", burn.format(0.5)], check=True)
    (warning,) = busy(before, machine.observe("cpu"))
    assert warning.code == "busy"
    spent = machine.own_seconds()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    # The kernel counts in ticks of 10 ms.
    assert machine.own_seconds() - spent >= 0.28


def test_code_outside_a_checkout_has_no_commit(tmp_path: Path) -> None:
    assert machine.code(tmp_path) == {"commit": None, "dirty": None}


def test_what_a_process_lacked_is_what_it_did_not_use_and_what_the_host_stole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = namedtuple("times", ["user", "steal"])(5.0, 0.25)
    monkeypatch.setattr(machine, "usable_times", lambda: [times, times])
    monkeypatch.setattr(machine.time, "perf_counter_ns", lambda: 3_000_000_000)
    monkeypatch.setattr(machine.time, "process_time_ns", lambda: 4_000_000_000)
    # Two cores for three seconds less four that were used, and half a second that was stolen.
    assert machine.lacked_ns(2) == 2_500_000_000
