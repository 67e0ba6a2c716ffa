"""Keras's settings for the whole process: every model begins with the same, whoever came before."""

from typing import Any

import keras
import tensorflow as tf


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
