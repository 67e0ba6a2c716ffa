"""What of the configuration the page shows: the keys named here and no others."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SECTIONS = (
    "scale", "machine", "devices", "targets", "training", "tuning", "timing", "probing", "studies",
)  # fmt: skip
# Where the data lie and where the report goes concern nobody else.
DATASET = ("name", "validation", "fallback", "connect_timeout", "read_timeout")
ELSEWHERE = "…"
OUR_OWN = Path("config/config.yaml")


def published_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a valid configuration that say what was measured and how."""
    shown = {key: value for key, value in config.items() if key in SECTIONS}
    if dataset := config.get("dataset"):
        shown["dataset"] = {key: dataset[key] for key in DATASET if key in dataset}
    if studies := config.get("studies"):
        shown["studies"] = {name: _without_file(study) for name, study in studies.items()}
    return shown


def published_files(files: Iterable[str]) -> list[str]:
    """Names of configuration files in the working folder; an ellipsis for those elsewhere.

    Our own config.yaml goes by its name in our folder.
    """
    return [_name(Path(file)) for file in files]


def _without_file(study: Any) -> Any:
    """A study's overrides; where its file lies is left out."""
    if not isinstance(study, Mapping):
        return study
    return {key: value for key, value in study.items() if key != "file"}


def _name(path: Path) -> str:
    if path.parts[-2:] == OUR_OWN.parts:
        return str(OUR_OWN)
    return str(path) if _is_inside(path) else ELSEWHERE


def _is_inside(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts
