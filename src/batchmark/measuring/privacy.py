"""Texts of libraries and of the environment, fit for a published result."""

import re

_PATH = re.compile(r"(?:/[\w.@+~-]+){2,}/?")
_DEVICE = re.compile(r"\b(GPU|MIG)-[0-9a-fA-F][\w/-]*")


def scrubbed(text: str) -> str:
    """`text` with "(path)" for absolute paths and "GPU-(id)" for a card's own number."""
    return _DEVICE.sub(r"\1-(id)", _PATH.sub("(path)", text))
