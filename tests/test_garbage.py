import subprocess
import sys

import pytest

CYCLES = """
import gc
from batchmark.garbage import seldom_collected

class Node:
    def __init__(self):
        self.itself = self

before = gc.get_stats()[0]["collected"]
with seldom_collected():
    for _ in range({count}):
        Node()
    print(gc.get_stats()[0]["collected"] > before, gc.get_freeze_count() > 0)
print(gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(("count", "found"), [(100, False), (100_000, True)])
def test_little_garbage_is_left_and_much_is_found(count: int, found: bool) -> None:
    """A process of its own: the collector is one for all that runs in it."""
    script = CYCLES.format(count=count)
    lines = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines == [f"{found} False", "True"]
