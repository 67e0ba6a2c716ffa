import fcntl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import SCRIPT, Lab, why_impossible


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Slurm on this host, for one test session at a time."""
    with Path(tempfile.gettempdir(), "batchmark-test-slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reason = why_impossible()
        if reason:
            pytest.skip(reason)
        # A short path: that of munge's socket is limited to 107 characters.
        with tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True) as folder:
            try:
                subprocess.run([SCRIPT, "start", folder], check=True)
                lab = Lab(Path(folder))
                yield lab
                lab.kill_node("n1")
                lab.kill_node("n2")
            finally:
                subprocess.run([SCRIPT, "stop", folder], check=True)
