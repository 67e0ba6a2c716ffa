"""A Snakemake that cannot start for the tests is said once, and with its reason."""

import re
import subprocess
import sys
from pathlib import Path

from tests.workflow.checkout import ROOT

TESTS = """
import pytest
from tests.workflow.preloaded import Preloaded

@pytest.mark.parametrize("number", range(20))
def test_that_runs_the_workflow(number):
    Preloaded(("no_such_plugin",))
"""


def test_a_missing_package_ends_the_test_run(tmp_path: Path) -> None:
    (tmp_path / "test_workflow.py").write_text(TESTS)
    options = ["--numprocesses=2", "--rootdir", str(tmp_path), "-p", "tests.workflow.preloaded"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "cannot start: ModuleNotFoundError: No module named 'no_such_plugin' !" in done.stdout
    failed = re.search(r"(\d+) failed", done.stdout)
    assert failed is not None
    # Of each worker the one that meets it, and not the other nineteen.
    assert int(failed[1]) <= 2
