"""The committed example is a page that works where it lies."""

import re
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "example"


def test_every_link_leads_somewhere() -> None:
    for page in EXAMPLE.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        ids = set(re.findall(r'\sid="([^"]+)"', html))
        links = re.findall(r'href="([^":]+)"', html)
        assert len(links) > 20
        anchors = {link[1:] for link in links if link.startswith("#")}
        files = {link for link in links if not link.startswith("#")}
        assert anchors <= ids
        assert {file for file in files if not (EXAMPLE / file).is_file()} == set()


def test_is_small_enough_to_be_committed() -> None:
    assert sum(path.stat().st_size for path in EXAMPLE.iterdir()) < 4_000_000
