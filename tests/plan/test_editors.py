"""The JSON schemas beside the YAML files: what editors complete and underline."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.plan.schema import for_editors
from tests.workflow.checkout import ROOT

CONFIG = ROOT / "config"
FILES = [*CONFIG.glob("*.yaml"), *CONFIG.glob("studies/*.yaml")]
STUDY = {
    "question": {"en": "?"},
    "grids": [{"batch_size": [1, 2], "trials_at_most": 9}],
    "baseline": {"batch_size": 1},
}


def complaints(schema: str, content: Any) -> list[str]:
    checked = Draft202012Validator(json.loads((CONFIG / schema).read_text(encoding="utf-8")))
    return [error.message for error in checked.iter_errors(content)]


def test_the_schemas_are_current() -> None:
    for place, schema in for_editors((CONFIG / "README.md").read_text(encoding="utf-8")).items():
        written = json.loads((CONFIG / place).read_text(encoding="utf-8"))
        assert written == schema, "python -m batchmark.plan.schema"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_names_its_schema_and_passes_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    name = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    schema = (file.parent / name).relative_to(CONFIG)
    assert complaints(str(schema), yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"trainin": {}}, "'trainin'"),
        ({"training": {"epoch": 3}}, "'epoch'"),
        ({"dataset": {"fallback": "samples"}}, "'samples'"),
        ({"targets": {"mnist": [1.5]}}, "1.5"),
        ({"studies": {"mine": {"grid": []}}}, "'grid'"),
    ],
)
def test_a_mistake_in_a_configuration_is_underlined(content: Any, words: str) -> None:
    assert any(words in complaint for complaint in complaints("schema.json", content))


@pytest.mark.parametrize(
    "wrong",
    [
        {"setting": {}},
        {"settings": {"batchsize": 3}},
        {"settings": {"activation": "sigmoid"}},
        {"grids": [{"momentum": [0.9, 1.5]}]},
        {"grids": []},
        {"grids": [{"batch_size": [1, 2], "trials_at_most": "many"}]},
        {"baseline": {"batch_size": 1, "trials_at_most": 9}},
        {"tuning": {"low": 0}},
        {"question": None},
    ],
)
def test_a_mistake_in_a_study_is_underlined(wrong: Any) -> None:
    assert complaints("studies/schema.json", STUDY) == []
    assert complaints("studies/schema.json", STUDY | wrong)


def test_every_hyperparameter_can_be_completed_and_keys_are_explained() -> None:
    schema = json.loads((CONFIG / "schema.json").read_text(encoding="utf-8"))
    assert {*Hyperparameters.model_fields} <= {*schema["$defs"]["Settings"]["properties"]}
    dataset = schema["$defs"]["DatasetConfig"]["properties"]
    assert dataset["mirrors"]["description"].startswith("tried in order")
