"""The one exception that is meant for the person who runs batchmark, and what texts may tell."""

import json
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/\s'\"]*@")


def without_passwords(text: str) -> str:
    """`text` with addresses that have no user and password: logs are kept and shown to others."""
    return _USER_OF_ADDRESS.sub("", text)


class UserError(Exception):
    """A mistake or circumstance the user can act on; its text is one complete sentence.

    It is shown without passwords.
    """

    def __str__(self) -> str:
        return without_passwords(super().__str__())


LOCAL = "a local folder"
INVALID = "an invalid address"

_NO_PATH = r"\s\\/:'\",;()<>"
# A root, a home folder or a drive, each with either slash.
_START = r"(?:file:/*)?(?:~|[A-Za-z]:)?[\\/]+"
# Between quotes a path may hold blanks.
_QUOTED_PATH = re.compile(rf"'{_START}[^'\"\n]+'")
# At least one folder and a rest; not after a word or a colon, where it is a share or an address.
_PATH = re.compile(rf"(?<![\w:/.<~]){_START}(?:[^{_NO_PATH}]+[\\/]+)+[^{_NO_PATH}]*")


def scrubbed(text: str) -> str:
    """`text` with an ellipsis for absolute paths and addresses without user and password."""
    return _PATH.sub("…", _QUOTED_PATH.sub("'…'", without_passwords(text)))


def scrubbed_values(content: Any) -> Any:
    """The same for every text in nested lists and mappings."""
    if isinstance(content, str):
        return scrubbed(content)
    if isinstance(content, dict):
        return {key: scrubbed_values(value) for key, value in content.items()}
    return [scrubbed_values(value) for value in content] if isinstance(content, list) else content


def scrubbed_json(text: str) -> str:
    """A JSON document with all its texts scrubbed; as it was where there is nothing to scrub."""
    content = json.loads(text)
    clean = scrubbed_values(content)
    return text if clean == content else json.dumps(clean, indent=1, ensure_ascii=False) + "\n"


def public_address(address: str) -> str:
    """An address as scheme, host and path; LOCAL for a folder of this machine, else INVALID."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return INVALID
    if "://" not in address or parts.scheme.lower() == "file":
        return LOCAL
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
