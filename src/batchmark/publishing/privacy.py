"""Nothing published says whose machine it was made on."""

import base64
import getpass
import re
import socket
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

_SHORTEST_NAME = 3
_END = r"(?=[/\\\s\"'`<>&),;:]|$)"
_ANY_HOME = re.compile(rf"(?:/home|/Users)/[^/\s\"'<>&),;:]+{_END}")
_ANY_WINDOWS_HOME = re.compile(r"[A-Za-z]:(?:\\+|/)Users(?:\\+|/)[^\\/\s\"'<>&]+")
_ROOTS = (
    "home|Users|Volumes|private|root|tmp|var|opt|usr|etc|run|srv|mnt|media|data|datasets|scratch"
    "|work|workspace|project|projects|storage|share|nfs|lustre|gpfs|cluster"
)
_ANY_PATH = re.compile(
    rf"(?:(?<=file://)|(?<![\w.:/~<-]))/(?:{_ROOTS})(?:/[^/\s\"'`<>&),;:]+)*"
    rf"/([^/\s\"'`<>&),;:]{{2,}}){_END}"
)
_DATA_URI = re.compile(r'(?<=")data:[^",]*?(;base64)?,([^"]*)(?=")')


@dataclass(frozen=True)
class Identity:
    """What tells this machine and its user apart.

    `folders`: absolute path → the word that takes its place.
    """

    hosts: tuple[str, ...]
    user: str
    folders: dict[str, str]


def this_identity() -> Identity:
    """The identity of the machine and user that run this process."""
    hosts = {socket.gethostname(), socket.gethostname().partition(".")[0]} - {"localhost", ""}
    folders = {
        str(Path.cwd()): ".",
        sys.prefix: "python",
        tempfile.gettempdir(): "temporary",
        str(Path.home()): "~",
    }
    return Identity(tuple(sorted(hosts)), _user(), folders)


def scrub(text: str, identity: Identity) -> str:
    """`text` without known folders and home folders; of other absolute paths the name is left.

    Files that a page carries in data URIs are scrubbed too.
    """
    return _scrub_plain(_DATA_URI.sub(lambda uri: _scrub_uri(uri, identity), text), identity)


def _scrub_plain(text: str, identity: Identity) -> str:
    for folder in sorted(identity.folders, key=len, reverse=True):
        if len(folder) > 1:
            pattern = rf"(?<![\w.]){re.escape(folder)}{_END}"
            text = re.sub(pattern, lambda _, word=identity.folders[folder]: word, text)
    text = _ANY_WINDOWS_HOME.sub("~", _ANY_HOME.sub("~", text))
    return _ANY_PATH.sub(r"…/\1", text)


def traces(text: str, identity: Identity) -> list[str]:
    """What of `identity` is left in `text`, also inside its data URIs; empty when nothing is."""
    readable = "\n".join([text, *_embedded(text)])
    names = [rf"\b{re.escape(host)}\b" for host in identity.hosts if _is_telling(host)]
    if identity.user:
        names.append(rf"\b{re.escape(identity.user)}@")
    found = [re.search(name, readable) for name in names]
    left = [path.search(readable) for path in (_ANY_HOME, _ANY_WINDOWS_HOME, _ANY_PATH)]
    return [match.group() for match in [*found, *left] if match]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""


def _scrub_uri(uri: re.Match[str], identity: Identity) -> str:
    packed, content = uri.groups()
    text = _decoded(packed, content)
    clean = _scrub_plain(text, identity)
    if clean == text:
        return uri.group()
    encoded = base64.b64encode(clean.encode()).decode() if packed else quote(clean)
    return uri.group().removesuffix(content) + encoded


def _embedded(text: str) -> Iterable[str]:
    return [_decoded(packed, content) for packed, content in _DATA_URI.findall(text)]


def _decoded(packed: str | None, content: str) -> str:
    """The text of a data URI; empty when it is an image or other bytes."""
    if not packed:
        return unquote(content)
    try:
        return base64.b64decode(content + "=" * (-len(content) % 4)).decode()
    except ValueError:
        return ""


def _is_telling(host: str) -> bool:
    """A host called by a word of our own texts, such as `batch`, is not given away by it."""
    return len(host) >= _SHORTEST_NAME and not re.search(rf"\b{re.escape(host)}\b", _own_words())


def _own_words() -> str:
    package = Path(__file__).parents[1]
    return "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
