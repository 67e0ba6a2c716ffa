"""From a study's grids to its variants."""

import itertools
import json
import math
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.variant import Variant
from batchmark.errors import UserError
from batchmark.study.config import StudyConfig
from batchmark.study.learning_rates import resolve
from batchmark.study.naming import variant_id
from batchmark.study.rules import check_rules
from batchmark.study.validation import check, shorten

LARGEST_STUDY = 100_000
# Structured hyperparameters: a mapping is one value of the axis, not a list of them.
_EXTRA_KEYS = {"learning_rate_rule", "reference_batch_size"}


def points(study: StudyConfig, where: str) -> list[tuple[dict[str, Any], Variant]]:
    """All (setting as written, variant) pairs of a study, in the order of its grids.

    Raises UserError naming the offending key when a grid is empty, repeats a value, or holds a
    setting that is not allowed.
    """
    _check_size(study, where)
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


def _check_axes(grid: dict[str, Any], settings: dict[str, Any], where: str) -> None:
    for key, values in grid.items():
        if not isinstance(values, list):
            continue
        if not values:
            raise UserError(f"{where}.{key} = []: a grid needs at least one value.")
        (often, times), *_ = Counter(map(_hashable, values)).most_common(1)
        if times > 1:
            raise UserError(f"{where}.{key}: the value {shorten(often)} appears twice.")


def _check_size(study: StudyConfig, where: str) -> None:
    """Before anything is done for each value: a file of a few bytes can ask for billions."""
    total = 0
    for number, grid in enumerate(study.grids):
        total += math.prod(len(value) for value in grid.values() if isinstance(value, list))
        if total > LARGEST_STUDY:
            allowed = f"at most {LARGEST_STUDY} are allowed in a study"
            raise UserError(f"{where}: grids[{number}]: {total} variants; {allowed}.")


def _hashable(value: Any) -> Hashable:
    """Equal for equal values; lists and mappings are told by their text."""
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value


def _variant(written: dict[str, Any], where: str) -> Variant:
    try:
        resolved = resolve(written)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    hyperparameters = check(Hyperparameters, resolved, where)
    check_rules(hyperparameters, where)
    return Variant(id=variant_id(hyperparameters), hyperparameters=hyperparameters)
