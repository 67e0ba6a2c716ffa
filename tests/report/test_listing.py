from pathlib import Path

from batchmark.contract.files import write_json
from batchmark.report.language.messages import say
from batchmark.report.listing import figure_labels, table_labels


def _facts(folder: Path, **content: object) -> str:
    write_json(folder / "a.json", content)
    return str(folder / "a.svg")


def test_a_figure_is_called_by_its_finding_else_its_question(tmp_path: Path) -> None:
    found = say("{n} helps", n="Momentum").to_json()
    figure = _facts(tmp_path, figure="momentum", measured=True, title=found)
    assert figure_labels(figure) == {"finding": "Momentum helps", "study": "momentum"}
    figure = _facts(tmp_path, figure="memory", measured=True, title=None)
    assert figure_labels(figure) == {
        "finding": "How much memory does a batch need?",
        "study": "under the hood",
    }
    figure = _facts(tmp_path, figure="own_study.my_width", measured=True, title=None)
    assert figure_labels(figure) == {"finding": "my_width", "study": "my width"}


def test_what_has_nothing_to_show_is_not_listed(tmp_path: Path) -> None:
    assert figure_labels(str(tmp_path / "none.svg")) == {}
    assert figure_labels(_facts(tmp_path, figure="devices", measured=False)) == {}
    (tmp_path / "a.json").write_text("{")
    assert figure_labels(str(tmp_path / "a.svg")) == {}
    (tmp_path / "loops.csv").write_text("machine,study\n")
    assert table_labels(str(tmp_path / "loops.csv")) == {}
    assert table_labels(str(tmp_path / "none.csv")) == {}


def test_a_table_says_what_its_rows_are(tmp_path: Path) -> None:
    (tmp_path / "noise.csv").write_text("machine,study\nlocal,first\n")
    assert table_labels(str(tmp_path / "noise.csv")) == {
        "table": "noise.csv",
        "a row is": "an A/A test: the same code timed twice in a study",
    }
