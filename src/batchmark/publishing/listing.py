"""`reports.html`: the files of the latest report and all reports by date and machine."""

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from batchmark.publishing.summary import headline
from batchmark.report.pages import pages_in

ARCHIVE = "reports"
REPORT_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-[A-Za-z0-9._+-]{1,110}")

_STYLE = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText; }
body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #8888;
  white-space: nowrap; }
ul { columns: 16rem; padding-left: 1.2rem; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"


def draw_listing(site: Path, languages: Mapping[str, str]) -> str:
    """The HTML of the page for the site in folder `site`, every name and value escaped.

    `languages`: names by code; an archived report may have one more, which goes by its code.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Reports of batchmark</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Reports of batchmark</h1>
<p><img src="badge.svg" alt="The answer of the latest report"></p>
<h2 id="earlier">By date and machine</h2>
<div class="scroll" role="region" aria-labelledby="earlier" tabindex="0">
<table>
<thead><tr><th scope="col">date</th><th scope="col">report</th><th scope="col">machine</th>\
<th scope="col">data</th><th scope="col">best batch size</th></tr></thead>
<tbody>
{_reports(site, languages)}
</tbody>
</table>
</div>
<h2>Files of the latest report</h2>
<ul>
{_files(site)}
</ul>
</main>
</body>
</html>
"""


def report_folders(archive: Path) -> list[Path]:
    """The folders of an archive that are reports, latest first."""
    if not archive.is_dir():
        return []
    folders = [path for path in archive.iterdir() if REPORT_NAME.fullmatch(path.name)]
    return sorted((path for path in folders if path.is_dir()), reverse=True)


def _reports(site: Path, languages: Mapping[str, str]) -> str:
    return "\n".join(_row(folder, languages) for folder in report_folders(site / ARCHIVE))


def _row(folder: Path, languages: Mapping[str, str]) -> str:
    known = _known(folder / "summary.json")
    answer = known.get("answer")
    cells = [
        _listed(known.get("machines")) or folder.name[11:-9],
        _listed(known.get("datasets")),
        headline(answer) if isinstance(answer, dict) else "",
    ]
    links = ", ".join(
        f'<a href="{quote(f"{ARCHIVE}/{folder.name}/{page.name}")}">'
        f"{escape(languages.get(code, code))}</a>"
        for code, page in pages_in(folder).items()
    )
    facts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr><td>{folder.name[:10]}</td><td>{links}</td>{facts}</tr>"


def _listed(names: object) -> str:
    """Names in a row, without the halves of characters that JSON can spell and UTF-8 cannot."""
    text = ", ".join(map(str, names)) if isinstance(names, list | dict) else ""
    return text.encode(errors="replace").decode()


def _known(path: Path) -> dict[str, Any]:
    """What an archived report says of itself; an unreadable one is still listed by its name."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _files(site: Path) -> str:
    files = sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*")
        if path.is_file() and path.relative_to(site).parts[0] not in {ARCHIVE, "reports.html"}
    )
    return "\n".join(f'<li><a href="{quote(file)}">{escape(file)}</a></li>' for file in files)
