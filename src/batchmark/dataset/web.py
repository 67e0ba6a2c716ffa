"""One file from an http(s) mirror, by pooch, in bounded time and memory."""

import errno
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import pooch
import requests
from requests.utils import get_environ_proxies, select_proxy
from tqdm import tqdm
from urllib3.exceptions import ReadTimeoutError

from batchmark.dataset.limits import Limits, MirrorError, MissingFileError
from batchmark.dataset.supervision import finish_within, keep_pace

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
