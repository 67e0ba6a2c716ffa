"""Facts read from recorded machines, and nothing that names the owner of this one."""

import getpass
import json
import socket
from pathlib import Path

import pytest

from batchmark.measuring import machine


@pytest.fixture
def recorded(tmp_path):
    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        return tmp_path

    return write


CPU = "sys/devices/system/cpu"


def test_a_laptop_with_a_governor(recorded):
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
    assert machine.cpu_model(root) == "Some CPU @ 3.0GHz"
    assert machine.governor(root) == "performance, powersave"
    assert machine.frequencies(root) == [2900.0, 3100.0]
    assert machine.turbo(root) is False
    assert machine.thermal_throttled(root) == 5


def test_a_container_with_a_quota_on_an_outer_group(recorded):
    root = recorded(
        {
            "proc/self/cgroup": "0::/pod/box",
            "sys/fs/cgroup/pod/box/cpu.max": "max 100000",
            "sys/fs/cgroup/pod/cpu.max": "50000 100000",
            "sys/fs/cgroup/pod/memory.max": "1000000",
            "sys/fs/cgroup/pod/box/cpu.stat": "usage_usec 5\nnr_throttled 7",
        }
    )
    assert machine.cgroup_cpus(root) == 0.5
    assert machine.usable_threads(root) == 1
    assert machine.memory_limit(root) == 1000000
    assert machine.cgroup_throttled(root) == 7


def test_a_container_of_the_older_kind(recorded):
    folder = "sys/fs/cgroup/cpu"
    root = recorded(
        {f"{folder}/cpu.cfs_quota_us": "150000", f"{folder}/cpu.cfs_period_us": "100000"}
    )
    assert machine.cgroup_cpus(root) == 1.5


def test_a_machine_that_tells_nothing(tmp_path):
    assert machine.governor(tmp_path) is None
    assert machine.turbo(tmp_path) is None
    assert machine.frequencies(tmp_path) == []
    assert machine.cgroup_cpus(tmp_path) is None
    assert machine.cgroup_throttled(tmp_path) is None
    assert machine.thermal_throttled(tmp_path) is None
    assert machine.usable_threads(tmp_path) == len(machine.affinity())


def test_facts_are_json_and_name_nobody():
    facts = [machine.describe(), machine.observe("cpu"), machine.code()]
    text = json.dumps(facts, allow_nan=False)
    words = set(text.replace('"', " ").replace("/", " ").split())
    assert socket.gethostname() not in words
    assert getpass.getuser() not in words
    assert str(Path.home()) not in text


def test_code_outside_a_checkout_has_no_commit(tmp_path):
    assert machine.code(tmp_path) == {"commit": None, "dirty": None}
