"""The page is published: paths and addresses of the machine that made it stay behind."""

import re
from typing import Any

ABSOLUTE = re.compile(r"(?<![\w:/.])(?:file:/*)?(?:~|[A-Za-z]:)?[\\/](?:[^\s\\/:'\",;()<>]+[\\/])+")


def scrubbed(text: str) -> str:
    """`text` with the folders of absolute paths replaced by an ellipsis; file names stay."""
    return ABSOLUTE.sub("…/", text)


def scrubbed_values(content: Any) -> Any:
    """The same for every text in nested containers."""
    if isinstance(content, str):
        return scrubbed(content)
    if isinstance(content, dict):
        return {key: scrubbed_values(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [scrubbed_values(value) for value in content]
    return content
