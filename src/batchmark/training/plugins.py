"""Code found by name, the user's own included, and Keras's settings around it."""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from batchmark.contract.errors import UserError


def reset() -> None:
    """Put back all that a home folder or somebody's code may have changed: Keras's own defaults.

    Precision, data format, dtype policy, random state, and the numbers in generated names.
    """
    keras.utils.clear_session(free_memory=False)
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


def execute_as_before() -> None:
    """Take back what somebody's code may have asked of TensorFlow, for it holds for all models.

    Eager functions slow down the sessions already open; the others change their numbers.
    """
    tf.config.run_functions_eagerly(False)
    if tf.config.optimizer.get_jit():
        tf.config.optimizer.set_jit(False)
    if tf.config.optimizer.get_experimental_options().get("auto_mixed_precision"):
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision": False})


def in_force() -> dict[str, Any]:
    """The settings that change what a model computes."""
    return {
        "backend": keras.config.backend(),
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "image_data_format": keras.config.image_data_format(),
        "dtype_policy": keras.config.dtype_policy().name,
    }


# TensorFlow and Keras say first where it happened, then what, with colours and names of nodes.
_NOISE = re.compile(r"\x1b\[[0-9;]*m|\{\{.*?\}\} ?| ?\[Op:\w*\]")
_PLACES = ("Graph execution error", "Detected at node", "File ", "Exception encountered when")
_RAISED = re.compile(r"\w+(Error|Exception): ")


def own(name: str, kind: str) -> Callable[..., Any]:
    """The user's `package.module:attribute`; UserError when it cannot be had."""
    module_name, _, attribute = name.partition(":")
    try:
        module, changed = _imported(module_name)
        code = getattr(module, attribute)
    except Exception as error:
        raise UserError(
            f"{kind} {name!r} cannot be loaded ({reason(error)}); expected "
            f"'package.module:attribute' on the Python path."
        ) from error
    if changed:
        raise UserError(
            f"{kind} {name!r} is refused: importing {module_name} sets Keras's {changed}, which "
            f"would hold for other variants too; set it inside {attribute!r}."
        )
    if not callable(code):
        raise UserError(f"{kind} {name!r} is refused: {attribute!r} is not callable.")
    return code


@cache
def _imported(module: str) -> tuple[ModuleType, str]:
    """A module, and which of Keras's settings its import changed; only the first import does."""
    before = in_force()
    imported = import_module(module)
    after = in_force()
    changed = [f"{name} to {after[name]}" for name in before if after[name] != before[name]]
    return imported, " and ".join(changed)


def built_in(package: str, name: str) -> ModuleType:
    """The module `batchmark.training.{package}.{name}`."""
    return import_module(f"batchmark.training.{package}.{name}")


def reason(error: Exception) -> str:
    """What went wrong in somebody else's code, in one line."""
    lines = [line.strip() for line in _NOISE.sub("", str(error)).splitlines() if line.strip()]
    raised = [number for number, line in enumerate(lines) if _RAISED.match(line)]
    # AutoGraph shows the traceback first; what was raised comes after it.
    if lines[:1] == ["in user code:"] and raised:
        lines = [_RAISED.sub("", line) for line in lines[raised[0] :]]
    sentences = [line.rstrip(".") for line in lines if not line.startswith(_PLACES)]
    return f"{type(error).__name__}: {sentences[0]}" if sentences else type(error).__name__
