"""The raw results as one `.zip` whose bytes depend on their content only."""

import zipfile
from pathlib import Path

from batchmark.privacy import scrubbed_json
from batchmark.results.seal import sealed

_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16


def write_bundle(path: Path, results: Path) -> list[str]:
    """Pack every result file of `results` without the paths in its texts; returns the names.

    Sorted names and fixed dates: equal results give an equal archive. Links are left out, since
    they could lead out of the folder.
    """
    files = {f"results/{file.relative_to(results).as_posix()}": file for file in _files(results)}
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = _REGULAR_FILE
            member.create_system = 3
            text = scrubbed_json(files[name].read_text(encoding="utf-8"))
            archive.writestr(member, sealed(text.encode()))
    return sorted(files)


def _files(results: Path) -> list[Path]:
    """Result files only, `{machine}/{device}/{kind}/{name}.json`: no tables, no scratch files."""
    found = results.glob("*/*/*/*.json")
    return [file for file in found if file.is_file() and not _leads_elsewhere(file, results)]


def _leads_elsewhere(file: Path, results: Path) -> bool:
    return not file.resolve().is_relative_to(results.resolve()) or file.name.startswith(".")
