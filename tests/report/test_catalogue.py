import importlib
import subprocess
import sys
from pathlib import Path

from batchmark.report import catalogue
from batchmark.report.selection import Tables


def test_a_plan_gets_the_figures_of_its_studies() -> None:
    figures = catalogue.figures_for({"batch_size": ["batch_size"], "rprop": ["optimizer"]})
    assert figures[0] == "time_to_target"
    assert "rprop" in figures
    assert "throughput" in figures
    assert "momentum" not in figures
    assert "gradient_cosine" not in figures


def test_probes_bring_their_figures() -> None:
    assert "gradient_cosine" in catalogue.figures_for({}, probed=True, profiled=True)


def test_own_studies_get_the_general_figure_and_may_be_the_headline() -> None:
    figures = catalogue.figures_for({"mine": ["batch_size", "depth"]})
    assert "own_study.mine" in figures
    assert "time_to_target" in figures
    assert catalogue.module_of("own_study.mine") == "batchmark.report.figures.own_study"
    assert catalogue.of_study(figures, "mine", headline="mine")[-1] == "own_study.mine"
    assert "test_error" in catalogue.of_study(figures, "mine", headline="mine")


def test_every_figure_can_be_drawn_from_nothing(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    for name in catalogue.figures_for(
        {entry.study: [] for entry in catalogue.ENTRIES}, probed=True, profiled=True
    ):
        draw = getattr(importlib.import_module(catalogue.module_of(name)), name)
        assert draw(tables) is None


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys, batchmark.report.catalogue\n"
        "print({'numpy', 'pandas', 'matplotlib', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
