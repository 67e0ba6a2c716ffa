import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import SCRIPT, Lab, why_impossible


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    """Slurm on this host, which all that these tests start finds in their environment."""
    reason = why_impossible()
    if reason:
        pytest.skip(reason)
    # A short path: that of munge's socket is limited to 107 characters.
    with tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder))
        try:
            subprocess.run([SCRIPT, "start", folder], check=True)
            with pytest.MonkeyPatch.context() as patch:
                for name, text in lab.environment().items():
                    patch.setenv(name, text)
                yield lab
                lab.kill_node("n1")
                lab.kill_node("n2")
        finally:
            subprocess.run([SCRIPT, "stop", folder], check=True)
