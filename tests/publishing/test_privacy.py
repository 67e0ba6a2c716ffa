import base64
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from batchmark.publishing.privacy import Identity, scrub, this_identity, traces

ME = Identity(
    ("kraken-7",), "ada", {"/srv/project": ".", "/srv": "~", "/srv/project/.venv": "python"}
)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("at /srv/project/results/x.json", "at ./results/x.json"),
        ('"/srv/project"', '"."'),
        ("/srv/project/.venv/lib/keras", "python/lib/keras"),
        ("/srv/projects/x", "~/projects/x"),
        ("file:///srv/project/a", "file://./a"),
        ("https://example.org/srv/project/a", "https://example.org/srv/project/a"),
        ("File /home/bob/x.py, line 3", "File ~/x.py, line 3"),
        ("/Users/bob", "~"),
        (r"C:\Users\bob\x", r"~\x"),
        (r"C:\\Users\\bob\\x", r"~\\x"),
        ("home/bob and 1/2", "home/bob and 1/2"),
        ("mirrors: [/mnt/disk/mnist, file:///data/x/mnist]", "mirrors: […/mnist, file://…/mnist]"),
        ("text.replace(/data/g, '') / 2", "text.replace(/data/g, '') / 2"),
        ("<b>a</b>/s https://x.org/data/mnist", "<b>a</b>/s https://x.org/data/mnist"),
        ("../data/mnist.json", "../data/mnist.json"),
    ],
)
def test_folders_are_replaced(text: str, scrubbed: str):
    assert scrub(text, ME) == scrubbed


def test_files_inside_a_page_are_scrubbed():
    log = "variant,log\nx,no file '/srv/project/data'\ny,/home/bob\nz,\n"
    plain = f'<a href="data:text/csv;charset=utf-8,{quote(log, safe="/ ,")}">x</a>'
    packed = f'<a href="data:text/csv;base64,{base64.b64encode(log.encode()).decode()}">x</a>'
    for page in (plain, packed):
        assert traces(page, Identity((), "", {})) != []
        assert traces(scrub(page, ME), Identity((), "", {})) == []
    assert unquote(scrub(plain, ME)) == unquote(plain).replace("/srv/project/", "./").replace(
        "/home/bob", "~"
    )


@pytest.mark.parametrize("kind", ["css", "js"])
def test_our_own_page_is_left_as_it_is(kind: str):
    """The page allows its script by the sum of its text."""
    files = sorted((Path(__file__).parents[2] / "workflow/report").glob(f"*.{kind}"))
    assert files
    for file in files:
        assert scrub(file.read_text(), ME) == file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "on kraken-7.",
        "ada@somewhere",
        "/home/bob/x",
        "see /scratch/bob/x.",
        f'<a href="data:text/csv;base64,{base64.b64encode(b"host,kraken-7").decode()}">',
        f'<a href="data:text/csv,{quote("/home/bob/x")}">',
    ],
)
def test_what_is_left_is_found(text: str):
    assert traces(text, ME)


@pytest.mark.parametrize(
    "text", ["kraken-70", "ada", "adagrad", "https://example.org/users/x", "data:,x"]
)
def test_ordinary_text_is_not_a_trace(text: str):
    assert traces(text, ME) == []


def test_a_host_called_like_a_word_of_ours_tells_nothing():
    assert traces("the batch size", Identity(("batch",), "", {})) == []


def test_this_machine_is_known():
    assert str(Path.cwd()) in this_identity().folders
