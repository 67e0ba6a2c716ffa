"""Finding models, optimizers and normalizations by name.

Imports go through importlib so that a variant depends on the plug-in it names and on no other.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from batchmark.errors import UserError


def own(name: str, kind: str) -> Callable[..., Any]:
    """The user's `package.module:attribute`; UserError when it cannot be had."""
    module_name, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module_name), attribute)
    except Exception as error:
        raise UserError(
            f"{kind} {name!r} cannot be loaded ({reason(error)}); expected "
            f"'package.module:attribute' on the Python path."
        ) from error
    if not callable(found):
        raise UserError(f"{kind} {name!r} is refused: {attribute!r} is not callable.")
    return found


def built_in(package: str, name: str) -> ModuleType:
    """The module `batchmark.training.{package}.{name}`."""
    return import_module(f"batchmark.training.{package}.{name}")


def reason(error: Exception) -> str:
    """What went wrong in somebody else's code, in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
