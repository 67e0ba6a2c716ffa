"""What free-form parts of JSON may hold: finite numbers and short texts, and not too many."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

LONGEST_TEXT = 10_000
# A float holds it, and any axis or cell.
LARGEST_INTEGER = 10**300
MOST_VALUES = 10_000


def finite(content: Any) -> Any:
    """Refuse what JSON can spell and a page cannot show: 1e999, a text or a number without end."""
    for count, value in enumerate(_values(content), 1):
        if count > MOST_VALUES:
            raise ValueError(f"there are more than {MOST_VALUES:,} values in it")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError("a number is not finite")
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise ValueError("a number has too many digits")
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ValueError(f"a text is longer than {LONGEST_TEXT:,} characters")
    return content


def _values(content: Any) -> Iterator[Any]:
    """All keys and values, of nested mappings and lists too."""
    if isinstance(content, dict):
        yield from content
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _values(part)
    else:
        yield content
