"""The examples of docs/extending.md do what the page says."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml

from batchmark.analysis.claims import registry
from batchmark.analysis.claims.evidence import Evidence
from batchmark.report.tables import Tables
from batchmark.study.config import StudyConfig
from batchmark.study.loading import build_study
from tests.workflow.checkout import ROOT, Checkout

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


def test_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CLAIMS", {})
    _executed("src/batchmark/analysis/claims/momentum.py")
    tables = dict.fromkeys(("draws", "magnitudes", "published"), pd.DataFrame())
    evidence = Evidence(blocks=[], main=None, **tables)
    assert registry.CLAIMS["nesterov-speed"].decide(evidence) is None


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
