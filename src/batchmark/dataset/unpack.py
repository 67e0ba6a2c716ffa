"""From the bytes a mirror served to the bytes of an IDX file."""

import gzip
import io
import zlib

from batchmark.dataset.limits import MirrorError

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
