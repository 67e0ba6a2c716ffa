"""Learning rates that a study names instead of giving a number."""

from typing import Any

from batchmark.errors import UserError
from batchmark.study.validation import shorten

# Each optimizer class's own default; all others of Keras 3 have 0.001.
_KERAS_DEFAULTS = {"sgd": 0.01, "rprop": 0.1}
_KERAS_DEFAULT = 0.001

_LARGEST = 1e9
_EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}


def resolve(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace `learning_rate: default` and `learning_rate_rule` by the number they stand for.

    The rules scale the rate by (batch_size / reference_batch_size)^p with p = 0, 1/2
    (Krizhevsky 2014, section 5) or 1 (Goyal et al. 2017, section 2.1).
    """
    settings = dict(settings)
    rule = settings.pop("learning_rate_rule", "fixed")
    reference = settings.pop("reference_batch_size", None)
    if settings.get("learning_rate") == "default":
        name = str(settings.get("optimizer", "sgd")).lower()
        settings["learning_rate"] = _KERAS_DEFAULTS.get(name, _KERAS_DEFAULT)
    if not isinstance(rule, str) or rule not in _EXPONENTS:
        allowed = ", ".join(_EXPONENTS)
        raise UserError(f"learning_rate_rule = {shorten(rule)}: allowed are {allowed}.")
    if rule != "fixed":
        settings["learning_rate"] = _scaled(settings, rule, reference)
    return settings


def _scaled(settings: dict[str, Any], rule: str, reference: Any) -> float:
    rate, batch_size = settings.get("learning_rate"), settings.get("batch_size")
    numbers = (rate, batch_size, reference)
    if not all(isinstance(number, int | float) and 0 < number <= _LARGEST for number in numbers):
        found = ", ".join(shorten(number) for number in numbers)
        raise UserError(
            f"learning_rate_rule = {rule!r}: needs numbers from 0 to {_LARGEST:g} for "
            f"learning_rate, batch_size and reference_batch_size, found {found}."
        )
    scaled = rate * (batch_size / reference) ** _EXPONENTS[rule]
    return float(f"{scaled:.6g}")
