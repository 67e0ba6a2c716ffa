"""From a study's grids to its variants."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from batchmark.errors import UserError
from batchmark.study.config import StudyConfig
from batchmark.study.hyperparameters import Hyperparameters
from batchmark.study.learning_rates import resolve
from batchmark.study.naming import variant_id
from batchmark.study.requests import Variant
from batchmark.study.rules import check_rules
from batchmark.study.validation import check

LARGEST_STUDY = 100_000


def points(study: StudyConfig, where: str) -> list[tuple[dict[str, Any], Variant]]:
    """All (setting as written, variant) pairs of a study, in the order of its grids.

    Raises UserError naming the offending key when a grid is empty, repeats a value, or holds a
    setting that is not allowed.
    """
    _check_size(study.grids, where)
    found = []
    for number, grid in enumerate(study.grids):
        place = f"{where}: grids[{number}]"
        _check_axes(grid, study.settings, place)
        for point in _product(grid):
            written = {**study.settings, **point}
            if not any(matches(written, partial) for partial in study.exclude):
                found.append((written, _variant(written, place)))
    if not found:
        raise UserError(f"{where}: exclude leaves no variant; remove an entry.")
    return found


def axes(written: list[dict[str, Any]]) -> list[str]:
    """The keys whose value differs between settings, in the order of first appearance."""
    keys = dict.fromkeys(key for setting in written for key in setting)
    return [key for key in keys if len({repr(setting.get(key)) for setting in written}) > 1]


def matches(setting: dict[str, Any], partial: dict[str, Any]) -> bool:
    """Whether `setting` has every key of `partial` with an equal value."""
    absent = object()
    defaults = Hyperparameters.model_fields
    return all(
        setting.get(key, defaults[key].default if key in defaults else absent) == value
        for key, value in partial.items()
    )


def _product(grid: dict[str, Any]) -> Iterator[dict[str, Any]]:
    values = [value if isinstance(value, list) else [value] for value in grid.values()]
    for combination in itertools.product(*values):
        yield dict(zip(grid, combination, strict=True))


def _check_size(grids: list[dict[str, Any]], where: str) -> None:
    """Before anything is expanded: a few lines of YAML can ask for more than memory holds."""
    size = 0
    for number, grid in enumerate(grids):
        size += math.prod(len(one) for one in grid.values() if isinstance(one, list))
        if size > LARGEST_STUDY:
            raise UserError(
                f"{where}: grids[{number}]: {size} variants; at most {LARGEST_STUDY} are allowed."
            )


def _check_axes(grid: dict[str, Any], settings: dict[str, Any], where: str) -> None:
    for key, values in grid.items():
        if not isinstance(values, list):
            continue
        if not values:
            raise UserError(f"{where}.{key} = []: a grid needs at least one value.")
        repeated = [text for text, count in Counter(map(repr, values)).items() if count > 1]
        if repeated:
            raise UserError(f"{where}.{key}: the value {min(repeated)} appears twice.")


def _variant(written: dict[str, Any], where: str) -> Variant:
    try:
        resolved = resolve(written)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    hyperparameters = check(Hyperparameters, resolved, where)
    check_rules(hyperparameters, where)
    return Variant(id=variant_id(hyperparameters), hyperparameters=hyperparameters)
