"""From a variant's hyperparameters to a Keras optimizer."""

import inspect
from typing import Any, Literal

import keras

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import OPTIMIZERS, Hyperparameters
from batchmark.training import plugins


def create(
    hyperparameters: Hyperparameters, learning_rate: float | Literal["default"], batch_size: int
) -> keras.optimizers.Optimizer:
    """The optimizer a variant asks for, not yet built; "default" is the rate its class has.

    `batch_size`: in images. Raises UserError when the optimizer is unknown or refuses one of its
    arguments.
    """
    kind = _class(hyperparameters.optimizer)
    rate = {} if learning_rate == "default" else {"learning_rate": learning_rate}
    images = batch_size * hyperparameters.accumulation
    arguments = {**rate, **_shared_arguments(hyperparameters), **_means(hyperparameters, images)}
    try:
        # The user's own arguments have the last word.
        return kind(**{**arguments, **hyperparameters.optimizer_arguments})
    except (TypeError, ValueError) as error:
        accepted = ", ".join(
            name for name in inspect.signature(kind).parameters if name != "kwargs"
        )
        raise UserError(
            f"optimizer {hyperparameters.optimizer!r} refuses its arguments "
            f"({plugins.reason(error)}); it takes {accepted}."
        ) from error


def exempt_from_decay(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]
) -> None:
    """Let weight decay shrink kernels only, neither biases nor the scales of normalizations."""
    # Biases and scales are vectors, kernels have two axes or more.
    exempt = [variable for variable in variables if len(variable.shape) < 2]
    if exempt and optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=exempt)


def _class(name: str) -> type[keras.optimizers.Optimizer]:
    if ":" in name:
        return plugins.own(name, "optimizer")  # pyrefly: ignore [bad-return]
    if name == "rprop":
        return plugins.built_in("optimizers", "rprop").Rprop
    row = OPTIMIZERS.get(name)
    kind = getattr(keras.optimizers, (row and row.keras) or name, None)
    if not (isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)):
        raise UserError(
            f"optimizer {name!r} is unknown; choose {', '.join(OPTIMIZERS)}, a class of "
            "keras.optimizers or your own 'package.module:Class'."
        )
    return kind


def _means(hyperparameters: Hyperparameters, images: int) -> dict[str, Any]:
    """How long the means over updates of so many images remember, where it is said in images.

    The half-life rule of Marek et al. 2025: a factor to the power of the images.
    """
    means: dict[str, Any] = {}
    if half_life := hyperparameters.ema_half_life:
        means |= {"use_ema": True, "ema_momentum": 0.5 ** (images / half_life)}
    if half_life := hyperparameters.beta_2_half_life:
        means["beta_2"] = 0.5 ** (images / half_life)
    return means


def _shared_arguments(hyperparameters: Hyperparameters) -> dict[str, Any]:
    """Only what was asked for: not every optimizer knows momentum or weight decay."""
    wanted = {
        "momentum": hyperparameters.momentum,
        "nesterov": hyperparameters.nesterov,
        "weight_decay": hyperparameters.weight_decay,
    }
    return {name: value for name, value in wanted.items() if value}
