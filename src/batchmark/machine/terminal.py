"""What this machine's terminals and logs can show."""

import locale
import os

_PLAIN = str.maketrans(
    {"✓": "+", "✗": "x", "·": "-", "×": "x", "–": "-", "−": "-", "…": "...", "\u00a0": " "}
    | {"\u202f": " ", "\u2009": " ", "“": '"', "”": '"', "’": "'"}
)


def is_plain() -> bool:
    """Whether they show ASCII only: the locale is C, or its encoding is not one of Unicode."""
    # Python takes the locale C for one of UTF-8; who asks for it means ASCII.
    asked = os.environ.get("LC_ALL") or os.environ.get("LANG")
    return asked in ("C", "POSIX") or "utf" not in locale.getpreferredencoding(False).lower()


def legible(text: str) -> str:
    """The text, in plain ASCII where nothing else is shown."""
    if not is_plain():
        return text
    return text.translate(_PLAIN).encode("ascii", "replace").decode()
