"""The four IDX files from one mirror: an http(s) or file:// address or a plain folder."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from batchmark.dataset import web
from batchmark.dataset.idx import parse_idx
from batchmark.dataset.limits import Limits, MirrorError, MissingFileError
from batchmark.dataset.local import local_path
from batchmark.dataset.mnist import FILES
from batchmark.dataset.npz import Array
from batchmark.dataset.unpack import unpacked
from batchmark.errors import UserError

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
        web.check_reachable(mirror, limits)
        return lambda name: web.fetch(mirror, name, limits)
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
