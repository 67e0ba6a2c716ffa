"""Own data on this machine: where they lie, and what tells them from data in the same place."""

import hashlib
import zipfile
from pathlib import Path

from batchmark.dataset.mnist import FILES
from batchmark.errors import UserError


def local_path(text: str) -> Path:
    """The path a config names; a leading `~/` is the home folder."""
    return Path(text).expanduser() if text.startswith("~/") else Path(text)


def check_own(path: Path) -> None:
    """Raise UserError when there are no own data at `path`: no file, or a folder without IDX."""
    if not (path.is_file() or path.is_dir()):
        raise UserError(f"dataset.path: there is no file or folder {path}.")
    if path.is_dir() and (missing := missing_idx(path)):
        raise UserError(f"dataset.path: {path} {missing}.")


def missing_idx(folder: Path) -> str:
    """What a folder lacks of the four files, and what it holds instead; empty: nothing."""
    there = sorted(path.name for path in folder.iterdir())
    missing = [name for name in FILES if name not in there and f"{name}.gz" not in there]
    if not missing:
        return ""
    shown = ", ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    return f"lacks {', '.join(missing)} (plain or .gz); it holds {shown or 'nothing'}"


def content_of(path: Path) -> str:
    """A digest that changes with the data at `path`; empty where there are none to read.

    Of an npz: name, size and CRC-32 of each array as its directory lists them, so that neither
    a new date nor compression counts and gigabytes need not be read. Of a folder: its IDX files.
    """
    try:
        parts = _idx_files(path) if path.is_dir() else _members(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return ""
    listed = "\n".join(parts).encode(errors="replace")
    return hashlib.sha256(listed).hexdigest() if listed else ""


def _members(path: Path) -> list[str]:
    # Opening a pipe would wait for its writer.
    if not path.is_file():
        return []
    with zipfile.ZipFile(path) as archive:
        members = [f"{one.filename} {one.file_size} {one.CRC}" for one in archive.infolist()]
    return sorted(members)


def _idx_files(folder: Path) -> list[str]:
    files = [path for name in FILES for path in (folder / f"{name}.gz", folder / name)]
    return [f"{path.name} {_sum(path)}" for path in files if path.is_file()]


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
