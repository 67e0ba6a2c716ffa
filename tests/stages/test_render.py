from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.render import RenderRequest
from batchmark.report.selection import Tables
from batchmark.stages.render import render
from tests.report.conftest import request_for
from tests.report.messages_in_use import TEMPLATES

NOTHING = request_for(["batch_size"]).model_copy(update={"partial": True})


def test_a_report_of_nothing_is_still_a_page(tmp_path: Path) -> None:
    render(NOTHING, Tables(tmp_path), tmp_path, TEMPLATES, tmp_path / "r")
    html = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "there is no answer yet" in html
    assert "Not measured at this scale." in html
    assert (tmp_path / "r" / "index.zh.html").exists()
    # In words for the terminal, which escapes nothing.
    words = (tmp_path / "r" / "answer.rst").read_text(encoding="utf-8")
    assert words.strip() in html
    assert "there is no answer yet" in words


def test_a_language_without_a_catalogue_any_more_has_no_page(tmp_path: Path) -> None:
    (tmp_path / "index.de.html").write_text("old")
    (tmp_path / "site").mkdir()
    render(NOTHING, Tables(tmp_path), tmp_path, TEMPLATES, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["index.html", "index.zh.html"]


def test_bad_requests_are_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    with pytest.raises(UserError, match=r"request\.json cannot be read"):
        read_request(file, RenderRequest)
    file.write_text('{"scale": 3}', encoding="utf-8")
    with pytest.raises(UserError, match="is refused: scale"):
        read_request(file, RenderRequest)
