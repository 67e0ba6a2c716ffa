"""Every mirror fault against a real server: a reason in words, in bounded time and memory."""

import gzip
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from batchmark.dataset.local import FILES, TEST_IMAGES, TEST_LABELS
from batchmark.dataset.mirrors import Limits, MirrorError, read_mirror
from tests.dataset import faulty_server, tiny_idx
from tests.dataset.faulty_server import Answer, Handler, serving

LARGEST = 100_000
# Generous where the mirror is good, since tests share the machine.
PATIENT = Limits(connect=10, read=10, total=30, slowest=1, largest=LARGEST, retries=0)
HASTY = replace(PATIENT, read=0.2)
# Its pauses allowed are forty times those of a drip: a server thread may have to wait for a core.
PACED = replace(PATIENT, connect=1, read=2, slowest=1000)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return tiny_idx.write(tmp_path / "mirror")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return tiny_idx.write(tmp_path / "mirror", packed=False)


@pytest.mark.parametrize("kind", ["packed", "plain"])
def test_an_http_mirror_serves(kind: str, request: pytest.FixtureRequest):
    with serving(faulty_server.folder(request.getfixturevalue(kind))) as url:
        files = read_mirror(url.rstrip("/"), tiny_idx.SUMS, PATIENT)
    assert files.sums == tiny_idx.SUMS
    assert files.arrays[TEST_IMAGES].shape == (4, 3, 3)
    assert files.arrays[TEST_LABELS].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}", "file://localhost{}"])
def test_a_folder_serves(form: str, packed: Path):
    assert read_mirror(form.format(packed), tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


def test_a_folder_may_be_named_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tiny_idx.write(tmp_path / "digits")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_mirror("~/digits", tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


def test_a_file_address_may_hold_escapes(tmp_path: Path):
    folder = tiny_idx.write(tmp_path / "a b")
    assert read_mirror(folder.as_uri(), tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


def test_a_server_that_unwraps_on_the_way_serves(packed: Path):
    def answer(handler: Handler) -> None:
        file = packed / Path(handler.path).name
        handler.body(file.read_bytes(), ("Content-Encoding", "gzip"))

    with serving(answer) as url:
        assert read_mirror(url, tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


def test_file_names_from_the_server_are_not_used(packed: Path, tmp_path: Path):
    def answer(handler: Handler) -> None:
        content = (packed / Path(handler.path).name).read_bytes()
        handler.body(content, ("Content-Disposition", "attachment; filename=../../escaped"))

    before = sorted(tmp_path.rglob("*"))
    with serving(answer) as url:
        read_mirror(url, tiny_idx.SUMS, PATIENT)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("answer", "limits", "reason"),
    [
        (faulty_server.page, PATIENT, "a web page instead of t10k-labels-idx1-ubyte"),
        (faulty_server.missing, PATIENT, "HTTP 404 for t10k-labels-idx1-ubyte.gz"),
        (faulty_server.broken, PATIENT, "HTTP 503"),
        (faulty_server.cut, PATIENT, "connection cut"),
        (faulty_server.endless, PATIENT, "larger than 100,000 bytes"),
        (faulty_server.redirect_in_a_circle, PATIENT, "redirects without end"),
        (faulty_server.redirect_to("file:///etc/passwd"), PATIENT, "no valid answer"),
        (faulty_server.redirect_to("http://[::1/x"), PATIENT, "no valid answer"),
        (faulty_server.redirect_to("http://a..b/"), PATIENT, "no valid answer"),
        (faulty_server.length_of_5000_digits, PATIENT, "no valid answer"),
        (faulty_server.hang, HASTY, "no answer within 0.2 s"),
        (faulty_server.drip, PACED, "slower than 1,000 bytes per second"),
        (faulty_server.drip_header, PACED, "slower than 1,000 bytes per second"),
        (faulty_server.drip, replace(PACED, total=0.3, slowest=0), "not finished after 0.3 s"),
    ],
)
def test_a_faulty_server_is_given_up_with_a_reason(answer: Answer, limits: Limits, reason: str):
    with serving(answer) as url, pytest.raises(MirrorError, match=reason):
        read_mirror(url, tiny_idx.SUMS, limits)


def test_a_passing_fault_is_retried(packed: Path):
    serve = faulty_server.folder(packed)
    seen: set[str] = set()

    def answer(handler: Handler) -> None:
        first = not seen
        seen.add(handler.path)
        faulty_server.broken(handler) if first else serve(handler)

    with serving(answer) as url:
        files = read_mirror(url, tiny_idx.SUMS, replace(PATIENT, retries=1))
    assert files.sums == tiny_idx.SUMS


def test_a_missing_file_is_not_retried():
    asked: list[str] = []

    def answer(handler: Handler) -> None:
        asked.append(handler.path)
        faulty_server.missing(handler)

    with serving(answer) as url, pytest.raises(MirrorError):
        read_mirror(url, tiny_idx.SUMS, replace(PATIENT, retries=3))
    assert asked == ["/t10k-labels-idx1-ubyte.gz", "/t10k-labels-idx1-ubyte"]


def _bomb(content: bytes) -> bytes:
    return gzip.compress(content + bytes(10**7))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: gzip.compress(content[:-1] + b"\7"), "wrong sum for .*: [0-9a-f]{12}…"),
        (lambda content: gzip.compress(content)[:-9], "t10k-labels-idx1-ubyte is truncated"),
        (lambda content: gzip.compress(content)[:12] + b"xx", "is damaged|is truncated"),
        (lambda content: gzip.compress(content[:-1]), "is truncated: 3 bytes of values, 4"),
        (lambda content: gzip.compress(content + b"\0"), "trailing bytes: 5 bytes"),
        (_bomb, "unpacks to more than 100,000 bytes"),
        (lambda _: b"", "not an IDX file"),
        (lambda _: bytes(LARGEST + 1), "is larger than 100,000 bytes"),
        (lambda _: b"\n <HTML>", "a web page"),
    ],
)
def test_a_spoilt_file_is_named_with_the_reason(packed: Path, spoil, reason: str):
    path = packed / f"{TEST_LABELS}.gz"
    path.write_bytes(spoil(tiny_idx.CONTENT[TEST_LABELS]))
    with pytest.raises(MirrorError, match=reason):
        read_mirror(str(packed), tiny_idx.SUMS, PATIENT)


def test_without_expected_sums_any_idx_serves(packed: Path):
    content = tiny_idx.CONTENT[TEST_LABELS][:-1] + b"\0"
    (packed / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(content))
    sums = read_mirror(str(packed), {}, PATIENT).sums
    assert {name for name in FILES if sums[name] != tiny_idx.SUMS[name]} == {TEST_LABELS}


def test_a_pipe_is_not_waited_for(packed: Path):
    (packed / f"{TEST_LABELS}.gz").unlink()
    os.mkfifo(packed / f"{TEST_LABELS}.gz")
    with pytest.raises(MirrorError, match=r"no file t10k-labels-idx1-ubyte\.gz"):
        read_mirror(str(packed), tiny_idx.SUMS, PATIENT)


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("/no/such/folder", "there is no such folder"),
        ("file:///no/such/folder", "there is no such folder"),
        ("file://elsewhere/data", "a folder of this machine"),
        ("ftp://127.0.0.1/", "there is no such folder"),
        ("http://", "not a valid address"),
        ("http://127.0.0.1:80a/", "not a valid address"),
        ("http://127.0.0.1:99999/", "not a valid address"),
        ("http://[::1/", "not a valid address"),
        ("http://a..b/", "cannot be reached"),
        ("https://no-such-host.invalid/", "host name is not known|no connection"),
    ],
)
def test_an_unusable_address_is_named_with_the_reason(mirror: str, reason: str):
    with pytest.raises(MirrorError, match=reason):
        read_mirror(mirror, tiny_idx.SUMS, HASTY)


def test_a_closed_port_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MirrorError, match="cannot be reached"):
        read_mirror(f"http://127.0.0.1:{port}/", tiny_idx.SUMS, PATIENT)


def test_reasons_hold_no_local_path(packed: Path):
    shutil.rmtree(packed)
    with pytest.raises(MirrorError) as caught:
        read_mirror(str(packed), {}, PATIENT)
    assert str(packed.parent) not in str(caught.value)


def test_certificates_that_are_not_there_are_this_mirrors_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:
        mirror = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(MirrorError, match="REQUESTS_CA_BUNDLE") as caught:
            read_mirror(mirror, {}, PATIENT)
    assert "/nope.pem" not in str(caught.value)
