"""The digest that a result file ends with: it tells a content that was measured from one edited."""

import hashlib
import re

_END = re.compile(rb'(,\n "digest": "[0-9a-f]{64}")?\n?}\s*\Z')


def sealed(content: bytes) -> bytes:
    """A JSON object, indented by one, with the SHA-256 of all before it as its last entry.

    A digest that is there already is replaced.
    """
    body = _END.sub(b"", content)
    digest = hashlib.sha256(body).hexdigest().encode()
    return body + b',\n "digest": "' + digest + b'"\n}\n'


def is_intact(content: bytes) -> bool:
    """Whether the content is what was sealed, to the byte."""
    return content == sealed(content)
