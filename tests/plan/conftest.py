"""A small valid configuration that tests change in one place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchmark.plan.plan import Plan, open_plan

CONFIG: dict[str, Any] = {
    "dataset": {"mirrors": ["https://example.org/mnist/"]},
    "targets": {"mnist": [0.98], "sample": [0.9]},
    "studies": {"first": {}},
}
STUDY: dict[str, Any] = {
    "question": {"en": "Which?", "zh": "哪个?"},
    "settings": {"model": "lenet5", "learning_rate": 0.1},
    "grids": [{"batch_size": [10, 100]}],
    "baseline": {"batch_size": 100},
}

OpenPlan = Callable[..., Plan]


@pytest.fixture
def plan_of(tmp_path: Path) -> OpenPlan:
    """Write configuration and study to files and open their plan."""

    def build(config: dict[str, Any] | None = None, **studies: dict[str, Any]) -> Plan:
        folder = tmp_path / "studies"
        folder.mkdir(exist_ok=True)
        content = config if config is not None else CONFIG
        for name, study in (studies or {"first": STUDY}).items():
            text = yaml.safe_dump(study, allow_unicode=True)
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return open_plan(content, [str(file)], [folder], tmp_path / "handover")

    return build
