"""The last look at what is published: nothing in it says whose machine it was made on."""

import base64
import getpass
import re
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

_SHORTEST_NAME = 3
_END = r"(?=[/\\\s\"'`<>&),;:]|$)"
_EVERYBODYS = (
    re.compile(rf"(?:/home|/Users)/[^/\s\"'<>&),;:]+{_END}"),
    re.compile(r"[A-Za-z]:(?:\\+|/)Users(?:\\+|/)[^\\/\s\"'<>&]+"),
    re.compile(r"\w+://[^/\s\"'<>@]+@"),
)
_DATA_URI = re.compile(r'(?<=")data:[^",]*?(;base64)?,([^"]*)(?=")')


@dataclass(frozen=True)
class Identity:
    """What tells this machine and its user apart: names, and absolute paths of folders."""

    hosts: tuple[str, ...]
    user: str
    folders: tuple[str, ...]


def this_identity() -> Identity:
    """The identity of the machine and user that run this process."""
    hosts = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    folders = {str(Path.cwd()), sys.prefix, tempfile.gettempdir(), str(Path.home())}
    return Identity(tuple(sorted(hosts)), _user(), tuple(sorted(folders - {"/"})))


def traces(text: str, identity: Identity) -> list[str]:
    """What of `identity`, or of any user, `text` and its data URIs hold, in words; else empty."""
    readable = "\n".join([text, *_embedded(text)])
    patterns = [
        *(rf"\b{re.escape(host)}\b" for host in identity.hosts if _is_telling(host)),
        *([rf"\b{re.escape(identity.user)}@"] if identity.user else []),
        *(rf"(?<![\w.]){re.escape(folder)}{_END}" for folder in identity.folders),
        *_EVERYBODYS,
    ]
    found = [re.search(pattern, readable) for pattern in patterns]
    return [_in_words(match.group()) for match in found if match]


def _in_words(found: str) -> str:
    return "an address with a password" if found.endswith("@") and "://" in found else repr(found)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""


def _embedded(text: str) -> list[str]:
    return [_decoded(packed, content) for packed, content in _DATA_URI.findall(text)]


def _decoded(packed: str, content: str) -> str:
    """The text of a data URI; empty when it is an image or other bytes."""
    if not packed:
        return unquote(content)
    try:
        return base64.b64decode(content + "=" * (-len(content) % 4)).decode()
    except ValueError:
        return ""


def _is_telling(host: str) -> bool:
    """Whether a text with this word in it names a host: `kraken-7` does, `batch` may be prose."""
    return len(host) >= _SHORTEST_NAME and re.search(r"[\d.-]", host) is not None
