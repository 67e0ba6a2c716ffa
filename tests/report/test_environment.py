"""What surrounds the process that draws a figure leaves no trace in it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.report.conftest import Site

DRAW = """
import sys
from pathlib import Path
from batchmark.report.selection import Tables
from batchmark.report.catalogue import module_of
from batchmark.stages.plot import plot
name = "time_to_target"
plot(name, module_of(name), Tables(Path(sys.argv[1])), Path(sys.argv[2]) / "figure.svg")
"""


# Whoever reads it fails.
MATPLOTLIBRC = b"savefig.bbox: tight\naxes.xmargin: 0.3\n\xff\xfe: 1"


def test_no_shell_and_no_folder_changes_a_figure(site: Site, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(MATPLOTLIBRC)
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib/matplotlibrc").write_bytes(MATPLOTLIBRC)
    notebook = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
        "XDG_CONFIG_HOME": str(tmp_path),
        "LANG": "de_DE.UTF-8",
        "TZ": "Asia/Shanghai",
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
    }
    subprocess.run(
        [sys.executable, "-c", DRAW, str(site.tables), str(tmp_path)],
        cwd=tmp_path, env=os.environ | notebook, check=True, timeout=120,
    )  # fmt: skip
    drawn = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert drawn == (site.figures / "time_to_target.svg").read_text(encoding="utf-8")
