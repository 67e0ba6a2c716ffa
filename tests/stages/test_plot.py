import json
import subprocess
import sys
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.report.catalogue import module_of
from batchmark.report.selection import Tables
from batchmark.stages.plot import plot


def test_a_figure_without_data_says_so(tmp_path: Path) -> None:
    plot("rprop", module_of("rprop"), Tables(tmp_path), tmp_path / "rprop.svg")
    assert "not measured" in (tmp_path / "rprop.svg").read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "rprop.json").read_text(encoding="utf-8"))
    assert facts == {"figure": "rprop", "measured": False}


def test_unknown_figures_are_refused_by_name() -> None:
    with pytest.raises(UserError, match="no figure 'pie'; choose one of time_to_target"):
        module_of("pie")


def test_never_imports_tensorflow() -> None:
    code = (
        "import sys, importlib, batchmark.stages.plot, batchmark.stages.render\n"
        "from batchmark.report.catalogue import ENTRIES, module_of\n"
        "[importlib.import_module(module_of(one.name)) for one in ENTRIES]\n"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
