import subprocess
import sys

import pytest

CYCLES = """
import atexit, gc

atexit.register(lambda: print("frozen at the end:", gc.get_freeze_count() > 0))
from batchmark.machine.garbage import collect_seldom

class Node:
    def __init__(self):
        self.itself = self

collect_seldom()
before = gc.get_stats()[0]["collected"]
for _ in range({count}):
    Node()
print("found:", gc.get_stats()[0]["collected"] > before)
"""


@pytest.mark.parametrize(("count", "found"), [(100, False), (100_000, True)])
def test_little_garbage_is_left_and_much_is_found(count: int, found: bool) -> None:
    """A process of its own: the collector is one for all that runs in it."""
    lines = subprocess.run(
        [sys.executable, "-c", CYCLES.format(count=count)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert lines == [f"found: {found}", "frozen at the end: True"]
