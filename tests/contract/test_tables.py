from pathlib import Path

import pandas as pd
import pytest

from batchmark.contract.glossary import ROWS, WORDS, page
from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.tables import ANALYZED, COLLECTED, TABLES, kind, read_table, write_table
from batchmark.stages.analyze import analyze
from batchmark.stages.judge import judge_claims
from batchmark.statistics.study_data import read_measurements
from tests.synthetic import example_request
from tests.world import make_world

KINDS = {"i": "number", "f": "number", "b": "flag"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collected tables, and beside them the analyzed ones."""
    studies = ("batch_size", "optimizer", "normalization")
    world = make_world(
        tmp_path_factory.mktemp("world"), example_request(epochs=4.0, studies=studies)
    )
    tables, _ = analyze(read_measurements(world.folder / "tables", world.request))
    for name, frame in tables.items():
        assert set(frame.columns) <= set(ANALYZED[name]), name
        write_table(world.folder / "tables", name, frame)
    judge_claims(world.request, world.folder / "tables")
    return world.folder / "tables"


def test_every_hyperparameter_is_a_column() -> None:
    assert set(Hyperparameters.model_fields) <= {*COLLECTED["variants"]} & {*ANALYZED["summary"]}


@pytest.mark.parametrize("name", TABLES)
def test_columns_hold_what_their_kind_says(name: str, folder: Path) -> None:
    frame = read_table(folder, name)
    for column in frame.columns[frame.notna().any()]:
        values = frame[column].dropna()
        found = KINDS.get(values.infer_objects().dtype.kind, "text")
        assert found == kind(name, column), column


def test_a_frame_that_lacks_a_column_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="axis"):
        write_table(tmp_path, "settings", pd.DataFrame({"study": ["a"], "variant": ["b"]}))
    assert list(tmp_path.iterdir()) == []


def test_the_page_about_the_tables_is_current() -> None:
    written = Path(__file__).parents[2] / "docs" / "tables.md"
    assert written.read_text(encoding="utf-8") == page(), "python -m batchmark.contract.glossary"


def test_every_word_of_the_glossary_is_about_a_column() -> None:
    columns = {column for names in TABLES.values() for column in names}
    columns |= {f"{name}.{column}" for name, names in TABLES.items() for column in names}
    assert set(WORDS) <= columns
    assert set(ROWS) == set(TABLES)
