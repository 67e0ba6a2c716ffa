"""Learning rates that a study names instead of giving a number."""

from typing import Any

from batchmark.errors import UserError
from batchmark.study.default_rates import default_rate
from batchmark.study.validation import shorten

_LARGEST = 1e9
_EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}


def resolve(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace `learning_rate: default` and `learning_rate_rule` by the number they stand for.

    The default of an own optimizer is left to the run, for telling it takes running its code.

    The rules scale the rate by (batch_size / reference_batch_size)^p with p = 0, 1/2
    (Krizhevsky 2014, section 5) or 1 (Goyal et al. 2017, section 2.1).
    """
    settings = dict(settings)
    rule = settings.pop("learning_rate_rule", "fixed")
    reference = settings.pop("reference_batch_size", None)
    if settings.get("learning_rate") == "default":
        settings["learning_rate"] = default_rate(str(settings.get("optimizer", "sgd"))) or "default"
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
