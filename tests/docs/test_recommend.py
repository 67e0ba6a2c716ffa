"""The call that README.md shows."""

import ast
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from batchmark import recommendation
from batchmark.recommendation import Advice
from tests.workflow.checkout import ROOT, copy_project


def build_model() -> keras.Model:
    layers = [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((12, 12)), *layers, keras.layers.Softmax()])


def shades(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images [count, 12, 12], the upper half a shade brighter where the label is 1."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.integers(0, 200, (count, 12, 12))
    images[:, :6] += 20 * labels[:, None, None]
    return images.astype(np.uint8), labels


def test_the_call_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # From a clone that looks less long at the clock, whose numbers are not asked for here.
    clone = copy_project(tmp_path / "batchmark")
    clone.edit("config/studies/quick.yaml", "min_seconds: 0.15", "min_seconds: 0.01")
    monkeypatch.setattr(recommendation, "HOME", clone.folder)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = (text for text in re.findall(r"```python\n(.*?)```", page, re.S) if "recom" in text)
    kept = tmp_path / "kept"
    asked = ast.parse(block.replace('"adam")', f'"adam", folder={str(kept)!r})'))
    shown = asked.body.pop()
    assert isinstance(shown, ast.Expr)
    (x_train, y_train), (x_validation, y_validation) = shades(3000, 0), shades(500, 1)
    names: dict[str, Any] = {"build_model": build_model, "x_train": x_train, "y_train": y_train}
    names |= {"x_validation": x_validation, "y_validation": y_validation}
    exec(compile(asked, "README.md", "exec"), names)  # noqa: S102 - the words of the page
    advice = names["advice"]
    assert isinstance(advice, Advice)
    size, (low, high), rate, steps, price = eval(ast.unparse(shown), names)  # noqa: S307
    assert 1 <= low <= size <= high
    # Within the scan around Adam's default.
    assert 0.00025 <= rate <= 0.016
    assert 1 <= steps <= 3000 // size
    # The best is near 1, and no size is below.
    assert 1 <= advice.price[size] < 1.01
    assert price >= 1
    assert any("softmax" in sentence for sentence in advice.warnings)
    assert {path.name for path in kept.iterdir()} >= {"quick.json", "quick.html", "quick.zh.html"}
    assert advice.facts["basis"]["optimizer"] == "adam"
