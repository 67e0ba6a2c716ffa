"""Where the templates lie, and what figures say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "workflow" / "report"


def labels(svg: str) -> set[str]:
    """The text nodes of a figure that hold words."""
    nodes = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    return {node for node in nodes if re.search(r"[A-Za-z]{2}", node)}
