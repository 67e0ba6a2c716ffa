"""IDX files from mirrors, within limits of size and time."""

import errno
import gzip
import hashlib
import io
import math
import socket
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pooch
import requests
from requests.utils import get_environ_proxies, select_proxy
from tqdm import tqdm
from urllib3.exceptions import ReadTimeoutError

from batchmark.contract.errors import UserError
from batchmark.dataset.local import FILES, local_path
from batchmark.dataset.npz import Array

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 4


def parse_idx(content: bytes, name: str) -> Array:
    """The array that `content` encodes, in native byte order; `name` is for the error.

    Raises UserError when the bytes are not IDX, or are fewer or more than the header announces.
    """
    dtype, shape, start = _parse_header(content, name)
    expected = math.prod(shape) * dtype.itemsize
    found = len(content) - start
    if found != expected:
        state = "truncated" if found < expected else "followed by trailing bytes"
        raise UserError(f"{name} is {state}: {found:,} bytes of values, {expected:,} announced.")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def encode_idx(array: Array) -> bytes:
    """The IDX file of an array; the inverse of `parse_idx`."""
    codes = {np.dtype(code).newbyteorder("="): number for number, code in _TYPES.items()}
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[array.dtype], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def _parse_header(content: bytes, name: str) -> tuple[np.dtype, tuple[int, ...], int]:
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise UserError(f"{name} is not an IDX file: it begins with {content[:4]!r}.")
    dimensions = content[3]
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise UserError(f"{name} has {dimensions} dimensions; 1 to {_MOST_DIMENSIONS} are read.")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"{name} is truncated: its header has {len(content)} of {start} bytes.")
    return np.dtype(_TYPES[content[2]]), struct.unpack_from(f">{dimensions}I", content, 4), start


class MirrorError(Exception):
    """Why a mirror does not serve: a phrase without local paths, fit for `data/mnist.json`."""


class MissingFileError(MirrorError):
    """The mirror answers but has no file of that name."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one file of a mirror.

    connect, read: seconds until a connection stands, and between two pieces of the answer.
    total: seconds for the whole file. slowest: bytes per second below which, over `read` seconds,
    a mirror is given up. largest: bytes, packed or unpacked. retries: after a cut connection or
    a server error.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 600.0
    slowest: float = 2_000.0
    largest: int = 2**30
    retries: int = 1


class _Worker(threading.Thread):
    """Runs the action, keeps what it raised. A daemon: stuck, it must not keep Python alive."""

    def __init__(self, action: Callable[[], object]):
        super().__init__(daemon=True)
        self.action = action
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.action()
        except Exception as error:  # handed to the caller
            self.error = error


def finish_within(seconds: float, action: Callable[[], object], reason: str) -> None:
    """Run `action`, or raise MirrorError(reason) when it takes longer than `seconds`.

    Socket time-outs bound single operations only, and name resolution not at all.
    """
    worker = _Worker(action)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        raise MirrorError(reason)
    if worker.error is not None:
        raise worker.error


def keep_pace(action: Callable[[], object], received: Callable[[], int], limits: Limits) -> None:
    """Run `action` while it receives `limits.slowest` bytes per second in every `limits.read` s.

    The first window is longer, so that a connection may be made and an answer begin. Raises
    MirrorError when the pace is not kept or `limits.total` has passed; else what `action` raises.
    """
    worker = _Worker(action)
    worker.start()
    end = time.monotonic() + limits.total
    patience, least = limits.connect + 2 * limits.read, 1.0
    while worker.is_alive():
        before = received()
        worker.join(max(0.0, min(patience, end - time.monotonic())))
        if worker.is_alive() and time.monotonic() >= end:
            raise MirrorError(f"not finished after {limits.total:g} s")
        if worker.is_alive() and received() - before < least:
            raise MirrorError(f"slower than {limits.slowest:,.0f} bytes per second")
        patience, least = limits.read, limits.slowest * limits.read
    if worker.error is not None:
        raise worker.error


_CHUNK = 2**10
_NO_CERTIFICATES = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EISDIR}


def check_reachable(mirror: str, limits: Limits) -> None:
    """Raise MirrorError unless the mirror's host resolves and accepts a connection in time.

    Asked once a mirror, so that a machine without a network learns it at once and not after the
    retries of four files. Behind a proxy the proxy is the one to say.
    """
    address = _host_and_port(mirror)
    if select_proxy(mirror, get_environ_proxies(mirror)):
        return
    finish_within(
        limits.connect,
        lambda: _connect(address, limits.connect),
        f"no connection within {limits.connect:g} s",
    )


def fetch(mirror: str, name: str, limits: Limits) -> bytes:
    """The bytes of `mirror`/`name` as served, at most `limits.largest`.

    Raises MissingFileError when the mirror has no such file, MirrorError when it fails to serve.
    """
    pooch.get_logger().setLevel("WARNING")
    # Any: pooch's protocol for downloaders is not the one it calls.
    downloader: Any = _BoundedDownloader(name, limits)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        files = pooch.create(
            path=folder,
            base_url=mirror.rstrip("/") + "/",
            registry={name: None},
            retry_if_failed=limits.retries,
        )
        try:
            return Path(files.fetch(name, downloader=downloader)).read_bytes()
        except requests.RequestException as error:
            raise _fault(error, name, limits) from error


class _BoundedDownloader:
    """A pooch downloader; what cannot get better by itself is raised so that pooch won't retry."""

    def __init__(self, name: str, limits: Limits):
        self.name = name
        self.limits = limits

    def __call__(self, url: str, output_file: str, mirror: object) -> None:
        with Path(output_file).open("wb") as file, _progress_bar(self.name) as bar:
            sink = _Sink(file, bar, self.limits.largest)
            try:
                keep_pace(lambda: self._download(url, sink), lambda: sink.received, self.limits)
            except requests.RequestException as error:
                if _is_passing(error):
                    raise
                raise _fault(error, self.name, self.limits) from error
            except OSError as error:
                # Of requests, for REQUESTS_CA_BUNDLE and its like; a full disk has a number.
                if error.errno is not None and error.errno not in _NO_CERTIFICATES:
                    raise
                raise MirrorError(
                    "its certificate cannot be verified: there are no certificates where "
                    "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE says"
                ) from error
            except ValueError as error:
                # Of urllib, urllib3 or int: a redirection or a length that makes no sense.
                raise MirrorError(f"no valid answer ({type(error).__name__})") from error

    def _download(self, url: str, sink: "_Sink") -> None:
        """Let pooch download into the sink; the connection is closed whatever happens."""
        with ExitStack() as connections:

            def opened(response: requests.Response, **_: object) -> None:
                connections.callback(response.close)
                sink.announce(response.headers.get("Content-Length", ""))

            download = pooch.HTTPDownloader(
                chunk_size=_CHUNK,
                timeout=(self.limits.connect, self.limits.read),
                hooks={"response": opened},
            )
            download(url, cast(Any, sink), None)


class _Sink:
    """A file that counts and shows what it receives and refuses more than `largest` bytes."""

    def __init__(self, file: IO[bytes], bar: "tqdm[Any]", largest: int):
        self.file = file
        self.bar = bar
        self.largest = largest
        self.received = 0

    def write(self, chunk: bytes) -> int:
        self.received += len(chunk)
        if self.received > self.largest:
            raise MirrorError(f"larger than {self.largest:,} bytes")
        self.bar.update(len(chunk))
        return self.file.write(chunk)

    def announce(self, length: str) -> None:
        """Give the progress bar its end, where the server tells one."""
        if length.isdecimal():
            self.bar.total = int(length)

    def flush(self) -> None:
        self.file.flush()


def _host_and_port(mirror: str) -> tuple[str, int]:
    try:
        parts = urlsplit(mirror)
        if not parts.hostname:
            raise ValueError("no host")
        return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise MirrorError("not a valid address") from error


def _connect(address: tuple[str, int], seconds: float) -> None:
    try:
        socket.create_connection(address, timeout=seconds).close()
    except socket.gaierror as error:
        raise MirrorError("its host name is not known here (no network?)") from error
    except TimeoutError as error:
        raise MirrorError(f"no connection within {seconds:g} s") from error
    except (OSError, UnicodeError) as error:
        raise MirrorError("it cannot be reached (connection refused or no route)") from error


def _progress_bar(name: str) -> "tqdm[Any]":
    """Lively in a terminal, a line every few seconds in a log file."""
    pause = 0.1 if sys.stderr.isatty() else 5.0
    return tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, mininterval=pause)


def _status(error: requests.RequestException) -> int:
    return 0 if error.response is None else error.response.status_code


def _timed_out(error: requests.RequestException) -> bool:
    inner = error.args[0] if error.args else None
    return isinstance(error, requests.Timeout) or isinstance(inner, ReadTimeoutError)


def _is_passing(error: requests.RequestException) -> bool:
    """Whether a second attempt may succeed: a cut connection or a server error."""
    cut = isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)
    permanent = isinstance(error, requests.exceptions.SSLError) or _timed_out(error)
    return _status(error) >= 500 or (cut and not permanent)


def _fault(error: requests.RequestException, name: str, limits: Limits) -> MirrorError:
    if _status(error) in {403, 404, 410}:
        return MissingFileError(f"HTTP {_status(error)} for {name}")
    return MirrorError(f"{_reason(error, limits)} for {name}")


def _reason(error: requests.RequestException, limits: Limits) -> str:
    """The first phrase that applies."""
    phrases = [
        (_status(error) >= 400, f"HTTP {_status(error)}"),
        (isinstance(error, requests.ConnectTimeout), f"no connection within {limits.connect:g} s"),
        (_timed_out(error), f"no answer within {limits.read:g} s"),
        (isinstance(error, requests.TooManyRedirects), "redirects without end"),
        (isinstance(error, requests.exceptions.SSLError), "its certificate cannot be verified"),
        (_is_passing(error), "connection cut"),
        (True, f"no valid answer ({type(error).__name__})"),
    ]
    return next(phrase for applies, phrase in phrases if applies)


_GZIP = b"\x1f\x8b"


def unpacked(content: bytes, name: str, largest: int) -> bytes:
    """`content` without its gzip wrapping, if it has one.

    Told by the first bytes, not by the name, since servers may unwrap on the way. Raises
    MirrorError when it is truncated, damaged, a web page or unpacks to more than `largest` bytes.
    """
    if content.lstrip()[:1] == b"<":
        raise MirrorError(f"a web page instead of {name}")
    if not content.startswith(_GZIP):
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


Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class IdxFiles:
    """The arrays of the four files and the SHA-256 of their unpacked bytes, by file name."""

    arrays: dict[str, Array]
    sums: dict[str, str]


def read_mirror(mirror: str, expected: Mapping[str, str], limits: Limits) -> IdxFiles:
    """Get all four files; `expected` sums are verified, names without one are not.

    Raises MirrorError with the reason why this mirror does not serve.
    """
    fetch = _opened(mirror, limits)
    arrays, sums = {}, {}
    for name in FILES:
        content = _either_form(fetch, name, limits)
        arrays[name] = _parsed(content, name)
        sums[name] = hashlib.sha256(content).hexdigest()
        if sums[name] != expected.get(name, sums[name]):
            raise MirrorError(
                f"wrong sum for {name}: {sums[name][:12]}… instead of {expected[name][:12]}…"
            )
    return IdxFiles(arrays, sums)


def _opened(mirror: str, limits: Limits) -> Fetch:
    if _is_web(mirror):
        check_reachable(mirror, limits)
        return lambda name: fetch(mirror, name, limits)
    folder = _folder(mirror)
    if not folder.is_dir():
        raise MirrorError("there is no such folder")
    return lambda name: _read_file(folder / name, limits)


def _is_web(mirror: str) -> bool:
    return mirror.lower().startswith(("http://", "https://"))


def _folder(mirror: str) -> Path:
    parts = urlsplit(mirror)
    if parts.scheme.lower() != "file":
        return local_path(mirror)
    if parts.netloc not in {"", "localhost"}:
        raise MirrorError("a file:// address must name a folder of this machine")
    return Path(url2pathname(parts.path))


def _read_file(path: Path, limits: Limits) -> bytes:
    """Regular files only: a pipe or device could block or never end."""
    if not path.is_file():
        raise MissingFileError(f"no file {path.name}")
    try:
        with path.open("rb") as file:
            content = file.read(limits.largest + 1)
    except OSError as error:
        raise MirrorError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(content) > limits.largest:
        raise MirrorError(f"{path.name} is larger than {limits.largest:,} bytes")
    return content


def _either_form(fetch: Fetch, name: str, limits: Limits) -> bytes:
    """The file's unpacked bytes, from its gzipped form or, where there is none, the plain one."""
    try:
        content = fetch(f"{name}.gz")
    except MissingFileError as missing:
        try:
            content = fetch(name)
        except MissingFileError:
            raise missing from None
    return unpacked(content, name, limits.largest)


def _parsed(content: bytes, name: str) -> Array:
    try:
        return parse_idx(content, name)
    except UserError as error:
        raise MirrorError(str(error).rstrip(".")) from error
