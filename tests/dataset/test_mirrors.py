"""Every mirror fault against a real server: a reason in words, in bounded time and memory."""

import gzip
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batchmark.dataset.local import FILES, TEST_IMAGES, TEST_LABELS
from batchmark.dataset.mirrors import Limits, MirrorError, read_mirror
from tests.dataset import faulty_server, tiny_idx
from tests.dataset.faulty_server import Answer, Handler, serving

LARGEST = 100_000
# Generous where the mirror is good, since tests share the machine.
PATIENT = Limits(connect=10, read=10, total=30, largest=LARGEST)
HASTY = replace(PATIENT, read=0.2)
# A drip's pauses are far below what is waited for between two pieces.
SHORT = replace(PATIENT, total=0.3)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return tiny_idx.write(tmp_path / "a mirror")


@pytest.mark.parametrize("kind", ["packed", "plain"])
def test_an_http_mirror_serves(tmp_path: Path, kind: str) -> None:
    folder = tiny_idx.write(tmp_path, packed=kind == "packed")
    with serving(faulty_server.folder(folder)) as url:
        files = read_mirror(url.rstrip("/"), tiny_idx.SUMS, PATIENT)
    assert files.sums == tiny_idx.SUMS
    assert files.arrays[TEST_IMAGES].shape == (4, 3, 3)
    assert files.arrays[TEST_LABELS].tolist() == [0, 1, 0, 1]


def test_a_server_that_unwraps_on_the_way_serves(packed: Path) -> None:
    def answer(handler: Handler) -> None:
        file = packed / Path(handler.path).name
        handler.body(file.read_bytes(), ("Content-Encoding", "gzip"))

    with serving(answer) as url:
        assert read_mirror(url, tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


@pytest.mark.parametrize(
    "form", [str, lambda path: f"{path}/", Path.as_uri, lambda path: f"~/{path.name}"]
)
def test_a_folder_serves(
    packed: Path, form: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(packed.parent))
    assert read_mirror(form(packed), tiny_idx.SUMS, PATIENT).sums == tiny_idx.SUMS


@pytest.mark.parametrize(
    ("answer", "limits", "reason"),
    [
        (faulty_server.page, PATIENT, "a web page instead of t10k-labels-idx1-ubyte"),
        (faulty_server.missing, PATIENT, "HTTP 404 for t10k-labels-idx1-ubyte.gz"),
        (faulty_server.broken, PATIENT, "HTTP 503"),
        (faulty_server.cut, PATIENT, "connection cut"),
        (faulty_server.endless, PATIENT, "larger than 100,000 bytes"),
        (faulty_server.redirect_in_a_circle, PATIENT, "redirects without end"),
        (faulty_server.length_of_5000_digits, PATIENT, "no valid address or answer"),
        (faulty_server.hang, HASTY, "no answer within 0.2 s"),
        (faulty_server.stall, HASTY, "no answer within 0.2 s"),
        (faulty_server.drip, SHORT, "not finished after 0.3 s"),
        (faulty_server.drip_header, SHORT, "not finished after 0.3 s"),
    ],
)
def test_a_faulty_server_is_given_up_with_a_reason(
    answer: Answer, limits: Limits, reason: str
) -> None:
    with serving(answer) as url, pytest.raises(MirrorError, match=reason):
        read_mirror(url, tiny_idx.SUMS, limits)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: gzip.compress(content[:-1] + b"\7"), "wrong sum for t10k-labels"),
        (lambda content: gzip.compress(content)[:-9], "t10k-labels-idx1-ubyte is truncated"),
        (lambda content: gzip.compress(content)[:-8] + bytes(8), "is damaged"),
        (lambda content: gzip.compress(content + bytes(10**7)), "unpacks to more than 100,000"),
        (lambda _: bytes(LARGEST + 1), "is larger than 100,000 bytes"),
        (lambda _: b"\n <HTML>", "a web page"),
    ],
)
def test_a_spoilt_file_is_named_with_the_reason(
    packed: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    (packed / f"{TEST_LABELS}.gz").write_bytes(spoil(tiny_idx.CONTENT[TEST_LABELS]))
    with serving(faulty_server.folder(packed)) as url:
        for mirror in (url, str(packed)):
            with pytest.raises(MirrorError, match=reason):
                read_mirror(mirror, tiny_idx.SUMS, PATIENT)


def test_without_expected_sums_any_idx_serves(packed: Path) -> None:
    content = tiny_idx.CONTENT[TEST_LABELS][:-1] + b"\0"
    (packed / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(content))
    sums = read_mirror(str(packed), {}, PATIENT).sums
    assert {name for name in FILES if sums[name] != tiny_idx.SUMS[name]} == {TEST_LABELS}


@pytest.mark.parametrize("content", [b"", b"\0\0\x07\x01\0\0\0\0"])
def test_without_expected_sums_other_files_are_refused(packed: Path, content: bytes) -> None:
    (packed / f"{TEST_LABELS}.gz").write_bytes(content)
    with pytest.raises(MirrorError, match="t10k-labels-idx1-ubyte is not an IDX file"):
        read_mirror(str(packed), {}, PATIENT)


def test_a_pipe_is_not_waited_for(packed: Path) -> None:
    (packed / f"{TEST_LABELS}.gz").unlink()
    os.mkfifo(packed / f"{TEST_LABELS}.gz")
    with pytest.raises(MirrorError, match=r"no file t10k-labels-idx1-ubyte\.gz"):
        read_mirror(str(packed), tiny_idx.SUMS, PATIENT)


@pytest.mark.parametrize(
    ("mirror", "reason"),
    [
        ("/no/such/folder", "^there is no such folder$"),
        ("file:///no/such/folder", "^there is no such folder$"),
        ("file://elsewhere/data", "a folder of this machine"),
        ("http://", "no valid address"),
        ("http://127.0.0.1:99999/", "no valid address"),
        ("http://[::1/", "no valid address"),
        ("http://a..b/", "no valid address"),
        ("https://no-such-host.invalid/", "host name is not known|no connection"),
    ],
)
def test_an_unusable_address_is_named_with_the_reason(mirror: str, reason: str) -> None:
    with pytest.raises(MirrorError, match=reason):
        read_mirror(mirror, tiny_idx.SUMS, HASTY)


def _closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_a_closed_port_is_named() -> None:
    with pytest.raises(MirrorError, match="cannot be reached"):
        read_mirror(f"http://{_closed_port()}/", tiny_idx.SUMS, PATIENT)


def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:secret@{_closed_port()}")
    with pytest.raises(MirrorError, match=r"^the proxy does not let it be reached$"):
        read_mirror("http://example.invalid/", tiny_idx.SUMS, PATIENT)


def test_certificates_that_are_not_there_are_this_mirrors_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:
        mirror = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(MirrorError, match="REQUESTS_CA_BUNDLE") as caught:
            read_mirror(mirror, {}, PATIENT)
    assert "/nope.pem" not in str(caught.value)
