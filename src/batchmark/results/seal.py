"""The digest that a result file ends with: it tells a content that was measured from one edited."""

import hashlib
import re

_END = re.compile(rb'(,\n "digest": "[0-9a-f]{64}")?\n?}\s*\Z')


def sealed(content: bytes) -> bytes:
    """A JSON object, indented by one, with the SHA-256 of all before it as its last entry.

    A digest that is there already is replaced.
    """
    last = f',\n "digest": "{digest_of(content)}"\n}}\n'
    return _END.sub(b"", content) + last.encode()


def digest_of(content: bytes) -> str:
    """The digest (hex) of a JSON object, which may end with it."""
    return hashlib.sha256(_END.sub(b"", content)).hexdigest()


def is_intact(content: bytes) -> bool:
    """Whether the content is what was sealed, to the byte."""
    return content == sealed(content)
