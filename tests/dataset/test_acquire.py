"""Which data serve: mirrors in order, the sample in their place, the user's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.requests.dataset import DatasetRequest
from batchmark.dataset.acquire import Acquired, acquire
from batchmark.dataset.local import Known
from tests.dataset import faulty_server, tiny_idx
from tests.dataset.faulty_server import serving


def _request(**changes: Any) -> DatasetRequest:
    settings: dict[str, Any] = {
        "name": "mnist",
        "path": None,
        "mirrors": [],
        "fallback": "sample",
        "connect_timeout": 10,
        "read_timeout": 10,
        "validation": 2,
    }
    return DatasetRequest(**(settings | changes))


def _acquire(said: list[str] | None = None, **changes: Any) -> Acquired:
    say = said.append if said is not None else lambda _: None
    return acquire(_request(**changes), say, {"mnist": Known("MNIST", tiny_idx.SUMS)})


def test_the_first_mirror_that_serves_is_taken(tmp_path: Path) -> None:
    good = tiny_idx.write(tmp_path / "good")
    said: list[str] = []
    with serving(faulty_server.page) as url:
        acquired = _acquire(said, mirrors=[url, "/no/such", str(good), "/never/asked"])
    record = acquired.record
    assert record.source == "a local folder"
    assert [problem.mirror for problem in record.problems] == [url, "a local folder"]
    assert "a web page" in record.problems[0].reason
    assert (record.facts.name, record.facts.train, record.facts.validation) == ("mnist", 10, 2)
    assert record.stands_in_for is None
    assert any(f"{url} does not serve: a web page" in line for line in said)
    assert not any("/never/asked" in line for line in said)


def test_the_record_names_no_local_path(tmp_path: Path) -> None:
    mirrors = [str(tmp_path / "absent"), tiny_idx.write(tmp_path / "good").as_uri()]
    assert str(tmp_path) not in _acquire(mirrors=mirrors).record.model_dump_json()


def test_equal_data_have_equal_records(tmp_path: Path) -> None:
    one, two = tiny_idx.write(tmp_path / "1"), tiny_idx.write(tmp_path / "2", packed=False)
    assert _acquire(mirrors=[str(one)]).record == _acquire(mirrors=[str(two)]).record


def test_the_sample_stands_in_and_is_never_silent() -> None:
    said: list[str] = []
    record = _acquire(said, mirrors=["/no/such"]).record
    assert (record.facts.name, record.stands_in_for) == ("sample", "mnist")
    assert (record.facts.train, record.facts.validation, record.facts.test) == (4000, 500, 500)
    assert "sample, not MNIST" in said[-1]


def test_without_fallback_every_mirror_is_listed_with_its_reason() -> None:
    with serving(faulty_server.missing) as url, pytest.raises(UserError) as caught:
        _acquire(mirrors=[url, "/no/such"], fallback="none")
    text = str(caught.value)
    assert f"{url}: HTTP 404 for t10k-labels-idx1-ubyte.gz" in text
    assert "/no/such: there is no such folder" in text
    assert "dataset.fallback to sample" in text


def test_passwords_in_addresses_are_never_shown() -> None:
    said: list[str] = []
    with serving(faulty_server.missing) as url, pytest.raises(UserError) as caught:
        _acquire(said, mirrors=[url.replace("//", "//me:secret@")], fallback="none")
    assert f"{url}: HTTP 404" in str(caught.value)
    assert "secret" not in "".join([*said, str(caught.value)])


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/", "http://[::1/", "http://a..b/"])
def test_an_address_that_is_none_leaves_the_next_mirror_its_turn(
    tmp_path: Path, address: str
) -> None:
    good = tiny_idx.write(tmp_path / "good")
    assert _acquire(mirrors=[address, str(good)]).record.source == "a local folder"


def test_no_mirror_at_all_is_said() -> None:
    with pytest.raises(UserError, match="none is configured"):
        _acquire(fallback="none")


def test_digits_do_not_stand_in_for_other_data() -> None:
    with pytest.raises(UserError, match="fashion could not be had"):
        _acquire(name="fashion", mirrors=["/no/such"])


def test_sums_are_checked_for_mnist_only(tmp_path: Path) -> None:
    mirror = tiny_idx.write(tmp_path / "good")
    said: list[str] = []
    acquire(_request(mirrors=[str(mirror)]), said.append)
    assert any("wrong sum" in line for line in said)
    acquired = acquire(_request(mirrors=[str(mirror)], name="fashion"), said.append)
    assert acquired.record.facts.name == "fashion"
    assert acquired.record.sums == tiny_idx.SUMS


def test_without_mirrors_of_ones_own_the_public_ones_serve_after_the_systems(
    tmp_path: Path,
) -> None:
    folder, mirror = tmp_path / "datasets", tiny_idx.write(tmp_path / "mirror")
    known = {"tiny": Known("Tiny", tiny_idx.SUMS, ("/no/such", str(mirror)), folder)}
    said: list[str] = []
    asked = _request(name="tiny", mirrors=None)
    assert acquire(asked, said.append, known).record.sums == tiny_idx.SUMS
    tried = [line for line in said if line.startswith("getting")]
    assert tried == ["getting tiny from /no/such", f"getting tiny from {mirror}"]
    tiny_idx.write(folder)
    assert acquire(asked, said.append, known).record.problems == ()
    assert f"getting tiny from {folder}" in said
    with pytest.raises(UserError, match="tiny could not be had"):
        acquire(_request(name="tiny", mirrors=[]), said.append, known)


def test_the_sample_can_be_asked_for() -> None:
    record = _acquire(name="sample", mirrors=["/never/asked"]).record
    assert (record.facts.name, record.stands_in_for, record.problems) == ("sample", None, ())


def test_own_data_replace_the_mirrors(tmp_path: Path) -> None:
    images = np.zeros((8, 2, 3, 3), np.uint8)
    labels = np.array([0, 1, 2, 3] * 2)
    path = tmp_path / "my.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    facts = _acquire(name="mine", path=str(path), mirrors=["/never/asked"]).record.facts
    assert facts.image_shape == (2, 3, 3)
    assert facts.classes == 4


def test_own_data_of_one_class_are_refused(tmp_path: Path) -> None:
    images, labels = np.zeros((8, 2, 3), np.uint8), np.zeros(8, int)
    np.savez(tmp_path / "my.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    with pytest.raises(UserError, match="at least two classes"):
        _acquire(name="mine", path=str(tmp_path / "my.npz"))


def test_mnist_is_not_taken_for_another_data_set(tmp_path: Path) -> None:
    """A name alone leaves the default mirrors, which serve MNIST."""
    mirror = str(tiny_idx.write(tmp_path / "mnist"))
    with pytest.raises(UserError, match=r"^dataset\.name = 'fashion_mnist': .* is MNIST; .*\.$"):
        _acquire(name="fashion_mnist", mirrors=[mirror])


def _of_shape(*shape: int) -> dict[str, Any]:
    return dict.fromkeys(("x_train", "x_test"), np.full((400, *shape), 200, np.uint8))


def _said(folder: Path, **arrays: Any) -> list[str]:
    images = np.full((400, 3, 3), 200, np.uint8)
    labels = np.arange(400, dtype=np.uint8) % 2
    usual: dict[str, Any] = {
        "x_train": images,
        "y_train": labels,
        "x_test": images,
        "y_test": labels,
    }
    np.savez(folder / "my.npz", **{**usual, **arrays})
    said: list[str] = []
    noted = _acquire(said, name="mine", path=str(folder / "my.npz"), validation=200)
    lines = [line for line in said if line.startswith("NOTE")]
    assert lines == [f"NOTE: mine: {note.text}" for note in noted.record.facts.notes]
    return lines


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"y_train": np.arange(400) % 3 + 1}, ["Labels up to 3 make 4 classes, and 1 of them"]),
        (
            {"y_train": np.r_[np.repeat([0, 1], 100), np.arange(200) % 2]},
            ["sorted by class"],
        ),
        ({"x_train": np.ones((400, 3, 3), np.uint8)}, ["almost black"]),
        (_of_shape(3, 3, 30), ["Images of 3 x 3 pixels with 30 channels each: if"]),
        (_of_shape(1, 128, 9), ["Images of 1 x 128 pixels with 9 channels each: if"]),
        (_of_shape(3, 3, 4), []),
        (
            {"x_val": np.full((4, 3, 3), 9, np.uint8), "y_val": np.arange(4) % 2},
            ["4 validation images: the accuracy moves in steps of 25 points"],
        ),
    ],
)
def test_what_may_be_a_mistake_is_said(tmp_path: Path, changes: dict, words: list[str]) -> None:
    said = _said(tmp_path, **changes)
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))
