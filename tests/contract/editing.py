"""Result files with any content, as if a stage had written it."""

import json
from pathlib import Path
from typing import Any

from batchmark.contract.files import sealed


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Write a result file whose digest is that of its content."""
    kept = {key: value for key, value in content.items() if key != "digest"}
    path.write_bytes(sealed(json.dumps(kept, indent=1).encode()))
