"""What is left of texts and addresses before they are recorded or published."""

import json

import pytest

from batchmark.contract.errors import UserError, public_address, scrubbed, scrubbed_json


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('File "/home/joe/x/train.py", line 3', 'File "…", line 3'),
        ("no file '/srv/my data/a b.npz'", "no file '…'"),
        ("file:///srv/mnist/", "…"),
        (r"C:\Users\joe\digits.npz", "…"),
        ("~/data/mnist.npz", "…"),
        ("--xla_dump_to=/home/ada/dump --x=1", "--xla_dump_to=… --x=1"),
        ("https://example.org/mnist/", "https://example.org/mnist/"),
        ("fetch https://joe:a@b@example.org/mnist/", "fetch https://example.org/mnist/"),
        ("config/config.yaml", "config/config.yaml"),
        ("../data/mnist.json", "../data/mnist.json"),
        ("3/5 trials, 1/2", "3/5 trials, 1/2"),
        ("shape[20,6] on /job:localhost/replica:0/device:GPU:0", None),
        ("<b>a</b>/s https://x.org/data/mnist", None),
    ],
)
def test_paths_and_passwords_go_and_the_rest_stays(text: str, left: str | None) -> None:
    assert scrubbed(text) == (left or text)


def test_a_document_stays_one_whatever_stands_behind_a_path() -> None:
    document = json.dumps({"a": ['at "/srv/x/y"\n', {"b": 'C:\\x\\y\\"'}], "n": 3, "none": None})
    assert json.loads(scrubbed_json(document)) == {
        "a": ['at "…"\n', {"b": '…"'}], "n": 3, "none": None,
    }  # fmt: skip


def test_a_document_without_private_texts_is_not_touched() -> None:
    assert scrubbed_json('{"a":1.50}') == '{"a":1.50}'


def test_a_sentence_for_the_user_has_no_password_in_it() -> None:
    error = UserError("mirrors: 'ftp://joe:secret@example.org' is not one; git@example.org:x is.")
    assert str(error) == "mirrors: 'ftp://example.org' is not one; git@example.org:x is."


@pytest.mark.parametrize(
    ("mirror", "name"),
    [
        ("/home/me/mnist", "a local folder"),
        ("file:///home/me/mnist", "a local folder"),
        ("http://me:secret@[::1/", "an invalid address"),
        ("ftp://me:secret@example.org/x", "ftp://example.org/x"),
        ("https://me:secret@example.org:81/mnist/?key=1", "https://example.org:81/mnist/"),
    ],
)
def test_public_addresses_tell_nothing_private(mirror: str, name: str) -> None:
    assert public_address(mirror) == name
