import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from batchmark.publishing.summary import Identity, this_identity, traces

ME = Identity(("kraken-7", "batch"), "ada", ("/scratch/bob", "/srv/project"))


@pytest.mark.parametrize(
    "text",
    [
        "on kraken-7.",
        "ada@somewhere",
        "/home/bob/x",
        "see /scratch/bob/x.",
        "at '/srv/project'",
        r"C:\\Users\\bob\\x",
        "from https://joe:secret@example.org/mnist",
        f'<a href="data:text/csv;base64,{base64.b64encode(b"host,kraken-7").decode()}">',
        f'<a href="data:text/csv,{quote("/home/bob/x")}">',
    ],
)
def test_what_is_left_is_found(text: str) -> None:
    assert traces(text, ME)


@pytest.mark.parametrize(
    "text", ["kraken-70", "ada", "adagrad", "https://example.org/users/x", "data:,x"]
)
def test_ordinary_text_is_not_a_trace(text: str) -> None:
    assert traces(text, ME) == []


def test_a_host_called_by_a_plain_word_is_not_looked_for() -> None:
    assert traces("the batch size", ME) == []


def test_our_own_page_tells_nothing() -> None:
    example = Path(__file__).parents[2] / "docs/example/index.html"
    assert traces(example.read_text(encoding="utf-8"), this_identity()) == []


def test_this_machine_is_known() -> None:
    assert str(Path.cwd()) in this_identity().folders
