"""The examples of docs/extending.md do what the page says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import yaml

from batchmark.plan.schema import StudyConfig
from batchmark.plan.studies import build_study
from batchmark.report.selection import Tables
from tests.workflow.checkout import ROOT, Checkout, copy_project

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def _block(name: str) -> str:
    found = re.search(rf"^```\w+\n# {re.escape(name)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def _executed(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": Path(name).stem}
    exec(compile(_block(name), name, "exec"), names)  # noqa: S102
    return names


def test_optimizer() -> None:
    optimizer = _executed("mypackage/optimizers.py")["SignSGD"](0.1)
    weights = keras.Variable([1.0, -1.0])
    optimizer.build([weights])
    optimizer.apply([keras.ops.array([5.0, -0.2])], [weights])
    np.testing.assert_allclose(weights.numpy(), [0.9, -0.9], rtol=1e-6)


def test_claim(tmp_path: Path) -> None:
    """The recipe on a copy: the rule errs as seldom as the others, and its words are listed."""
    copy = copy_project(tmp_path)
    shutil.copytree(ROOT / "tests", copy.folder / "tests")
    rule = "src/batchmark/claims/optimizers.py"
    with (copy.folder / rule).open("a") as file:
        file.write(f"\n\n{_block(rule)}")
    rates = "tests/claims/test_error_rates.py"
    copy.edit(
        rates, "@dataclass(frozen=True)\nclass Case", f"{_block(rates)}\n\n@dataclass\nclass Case"
    )
    copy.edit(rates, "CASES = [\n", f"CASES = [\n{_block(f'{rates}, in CASES')}")
    words = "src/batchmark/report/claim_words.py"
    start = "OPTIMIZERS: Mapping[str, Words] = {\n"
    copy.edit(words, start, start + _block(f"{words}, in OPTIMIZERS"))
    evidence = "tests/report/page/test_evidence.py"
    tests = ["-k", "nesterov or every_claim", rates, evidence, "--override-ini=addopts="]
    done = _run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout
    listed = _run(copy, "batchmark.report.language.untranslated", "workflow/report").stdout
    assert "zh.po lacks: Nesterov momentum is faster than plain.\n" in listed


def _run(copy: Checkout, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=copy.folder, env=copy.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_language(checkout: Checkout) -> None:
    file = "workflow/report/de.po"
    (checkout.folder / file).write_text(_block(file), encoding="utf-8")
    assert checkout.planned() == {"render"}
    done = checkout.snakemake()
    assert done.returncode == 0, done.stderr
    page = (checkout.folder / "reports" / "index.de.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    assert "Mit welcher Batchgröße soll ich trainieren?" in page
    assert "What textbooks claim" in page
    for other in ("index.html", "index.zh.html"):
        html = (checkout.folder / "reports" / other).read_text(encoding="utf-8")
        assert '<a class="tool" href="index.de.html" hreflang="de" lang="de">Deutsch</a>' in html


def test_figure(finished: Checkout) -> None:
    drawn = _executed("src/batchmark/report/figures/accuracy.py")["best_epoch"](
        Tables(finished.folder / "results" / "tables")
    )
    assert list(drawn.numbers.columns) == ["batch size", "best epoch"]
    assert len(drawn.numbers) == 2


def test_study() -> None:
    config = StudyConfig.model_validate(yaml.safe_load(_block("config/studies/dropout.yaml")))
    study = build_study("dropout", config, "dropout.yaml")
    assert study.axes == ["dropout"]
    assert len(study.variants) == 4
