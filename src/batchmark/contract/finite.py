"""Numbers that JSON can hold."""

from math import isfinite
from typing import Any


def finite(content: Any) -> Any:
    """Refuse 1e999 and its like, which JSON can spell and nobody can write back."""
    if isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            finite(part)
    if isinstance(content, float) and not isfinite(content):
        raise ValueError("a number is not finite")
    return content
