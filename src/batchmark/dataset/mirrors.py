"""IDX files from mirrors, within limits of size and time."""

import gzip
import io
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
import requests
from requests import exceptions as web
from tqdm import tqdm
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

from batchmark.contract.errors import UserError
from batchmark.dataset.idx import parse_idx
from batchmark.dataset.local import FILES, local_path
from batchmark.dataset.npz import Array


class MirrorError(Exception):
    """Why a mirror does not serve: a phrase without local paths, fit for `data/mnist.json`."""


class MissingFileError(MirrorError):
    """The mirror answers but has no file of that name."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one file of a mirror.

    connect, read: seconds until a connection stands, and until the next piece of the answer.
    total: seconds for the whole file. largest: bytes, packed or unpacked.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 600.0
    largest: int = 2**30


@dataclass(frozen=True)
class IdxFiles:
    """The arrays of the four files and the SHA-256 of their unpacked bytes, by file name."""

    arrays: dict[str, Array]
    sums: dict[str, str]


def read_mirror(mirror: str, expected: Mapping[str, str], limits: Limits) -> IdxFiles:
    """Get all four files; `expected` sums are verified, names without one are not.

    Raises MirrorError with the reason why this mirror does not serve.
    """
    read = _reader(mirror, limits)
    arrays, sums = {}, {}
    for name in FILES:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = _retrieve(read, name, expected.get(name), folder, limits)
            try:
                arrays[name] = parse_idx(path.read_bytes(), name)
            except UserError as error:
                raise MirrorError(str(error).rstrip(".")) from error
            sums[name] = pooch.file_hash(path)
    return IdxFiles(arrays, sums)


# The bytes of the file of that name as served; raises MissingFileError where there is none.
Read = Callable[[str], bytes]
T = TypeVar("T")


def _retrieve(read: Read, name: str, known_sum: str | None, folder: str, limits: Limits) -> Path:
    """The unpacked file in `folder`. Mirrors pack differently: what has a sum is the content."""

    def download(_url: str, output: str, _pooch: object) -> None:
        content = _within(limits.total, lambda: _either_form(read, name))
        Path(output).write_bytes(unpacked(content, name, limits.largest))

    pooch.get_logger().setLevel("WARNING")
    try:
        # pooch calls it by position, and asks in its types for names that it does not use.
        path = pooch.retrieve(name, known_sum, name, folder, downloader=download)  # pyrefly: ignore [bad-argument-type]
        return Path(path)
    except ValueError as error:
        raise MirrorError(f"wrong sum for {name}: not {str(known_sum)[:12]}…") from error


def _within(seconds: float, action: Callable[[], T]) -> T:
    """What `action` returns or raises, or MirrorError when it takes longer than `seconds`.

    Socket time-outs bound single operations: a byte now and then, even of a header, resets them.
    """
    outcome: Future[T] = Future()

    def act() -> None:
        try:
            outcome.set_result(action())
        except Exception as error:  # handed to the caller
            outcome.set_exception(error)

    # A daemon: an action left behind must not keep Python alive.
    threading.Thread(target=act, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError as error:
        raise MirrorError(f"not finished after {seconds:g} s") from error


def _either_form(read: Read, name: str) -> bytes:
    """The file's gzipped form or, where there is none, the plain one."""
    try:
        return read(f"{name}.gz")
    except MissingFileError as missing:
        try:
            return read(name)
        except MissingFileError:
            raise missing from None


def unpacked(content: bytes, name: str, largest: int) -> bytes:
    """`content` without its gzip wrapping, if it has one.

    Told by the first bytes, not by the name, since servers may unwrap on the way. Raises
    MirrorError when it is truncated, damaged, a web page or unpacks to more than `largest` bytes.
    """
    # A login page or a notice of a proxy comes with status 200.
    if content.lstrip()[:1] == b"<":
        raise MirrorError(f"a web page instead of {name}")
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            plain = file.read(largest + 1)
    except EOFError as error:
        raise MirrorError(f"{name} is truncated") from error
    except (OSError, zlib.error) as error:
        raise MirrorError(f"{name} is damaged") from error
    if len(plain) > largest:
        raise MirrorError(f"{name} unpacks to more than {largest:,} bytes")
    return plain


def _reader(mirror: str, limits: Limits) -> Read:
    if mirror.lower().startswith(("http://", "https://")):
        return lambda name: _download(f"{mirror.rstrip('/')}/{name}", name, limits)
    parts = urlsplit(mirror)
    is_address = parts.scheme.lower() == "file"
    if is_address and parts.netloc not in {"", "localhost"}:
        raise MirrorError("a file:// address must name a folder of this machine")
    folder = Path(url2pathname(parts.path)) if is_address else local_path(mirror)
    if not folder.is_dir():
        raise MirrorError("there is no such folder")
    return lambda name: _read_file(folder / name, limits.largest)


def _read_file(path: Path, largest: int) -> bytes:
    """Regular files only: a pipe or device could block or never end."""
    if not path.is_file():
        raise MissingFileError(f"no file {path.name}")
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise MirrorError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(content) > largest:
        raise MirrorError(f"{path.name} is larger than {largest:,} bytes")
    return content


def _download(url: str, name: str, limits: Limits) -> bytes:
    try:
        with requests.get(url, stream=True, timeout=(limits.connect, limits.read)) as response:
            # Object stores say 403 where a file is missing and listing is not allowed.
            if response.status_code in {403, 404, 410}:
                raise MissingFileError(f"HTTP {response.status_code} for {name}")
            response.raise_for_status()
            return _received(response, name, limits.largest)
    # ValueError: of urllib3 or int, for an address or a length that makes no sense.
    except (OSError, ValueError) as error:
        raise MirrorError(_reason(error, name, limits)) from error


def _received(response: requests.Response, name: str, largest: int) -> bytes:
    content = bytearray()
    # Lively in a terminal, a line every few seconds in a log file.
    pause = 0.1 if sys.stderr.isatty() else 5.0
    length = int(response.headers.get("Content-Length", 0)) or None
    # And nothing of what is there sooner than that.
    shown = {"unit": "B", "unit_scale": True, "mininterval": pause, "delay": pause}
    with tqdm(total=length, desc=name, **shown) as bar:
        for chunk in response.iter_content(2**14):
            content += chunk
            bar.update(len(chunk))
            if len(content) > largest:
                raise MirrorError(f"{name} is larger than {largest:,} bytes")
    return bytes(content)


# The first that applies to an error or to what it wraps.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (web.HTTPError, "HTTP {status} for {name}"),
    (web.ConnectTimeout, "no connection within {connect:g} s"),
    ((web.Timeout, ReadTimeoutError), "no answer within {read:g} s for {name}"),
    (web.TooManyRedirects, "redirects without end for {name}"),
    (web.SSLError, "its certificate cannot be verified"),
    (web.ProxyError, "the proxy does not let it be reached"),
    (NameResolutionError, "its host name is not known here (no network?)"),
    (NewConnectionError, "it cannot be reached (connection refused or no route)"),
    ((web.ConnectionError, web.ChunkedEncodingError), "connection cut for {name}"),
    ((web.RequestException, ValueError), "no valid address or answer ({kind}) for {name}"),
    # Of requests, without a class of its own.
    (
        OSError,
        "its certificate cannot be verified: there are no certificates where REQUESTS_CA_BUNDLE, "
        "CURL_CA_BUNDLE or SSL_CERT_FILE says",
    ),
)


def _reason(error: Exception, name: str, limits: Limits) -> str:
    # requests wraps what urllib3 raised, which wraps what the system said.
    inner = error.args[0] if error.args else None
    chain = (error, inner, getattr(inner, "reason", None))
    reason = next(text for kind, text in _REASONS if any(isinstance(link, kind) for link in chain))
    status = getattr(getattr(error, "response", None), "status_code", 0)
    kind = type(error).__name__
    return reason.format(name=name, status=status, kind=kind, **asdict(limits))
