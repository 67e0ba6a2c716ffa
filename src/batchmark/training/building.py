"""From a variant's hyperparameters to its model."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import keras

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.errors import UserError
from batchmark.training import plugins, settings
from batchmark.training.blueprint import Blueprint


def build_model(
    hyperparameters: Hyperparameters, image_shape: tuple[int, int, int], classes: int, seed: int
) -> keras.Model:
    """A fresh model with the initial weights of `seed`, whatever was built before.

    Keras's settings stay as its code leaves them, for that it be traced under them.

    Raises UserError when the model's own code raises, when what it returns is no Keras model,
    does not take the images or does not end in `classes` logits, and when it ignores the
    penalties l1 and l2.
    """
    name = hyperparameters.model
    blueprint = _blueprint(hyperparameters, image_shape, classes, seed)
    settings.reset()
    keras.utils.set_random_seed(seed % 2**32)
    build = plugins.own(name, "model") if ":" in name else _built_in(name)
    try:
        model = _call(build, blueprint, hyperparameters.model_arguments)
        shape = _output_shape(model, name, image_shape)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"model {name!r} could not be built for images of shape {image_shape}: "
            f"{plugins.reason(error)}."
        ) from error
    _check(model, shape, hyperparameters, classes)
    return model


def _call(
    build: Callable[..., Any], blueprint: Blueprint, arguments: Mapping[str, Any]
) -> keras.Model:
    """`build(blueprint, …)` as our models are, or `build(image_shape, classes, …)`.

    The latter is passed every hyperparameter of a model that differs from its default, so that it
    either heeds it or refuses an argument it does not know: none is ignored in silence.
    """
    if next(iter(inspect.signature(build).parameters), "") == "blueprint":
        return build(blueprint, **arguments)
    return build(blueprint.image_shape, blueprint.classes, **{**_changed(blueprint), **arguments})


def _changed(blueprint: Blueprint) -> dict[str, Any]:
    """Hyperparameters that differ from their defaults; "input" is not the model's business."""
    chosen = {field.name: getattr(blueprint, field.name) for field in fields(Blueprint)}
    defaults = {field.name: field.default for field in fields(Blueprint)}
    return {
        name: value
        for name, value in chosen.items()
        if defaults[name] is not MISSING and value not in (defaults[name], "input")
    }


def _built_in(name: str) -> Any:
    try:
        return plugins.built_in("models", name).build
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(
            f"model {name!r} is unknown; choose lenet5, lenet_theano, mlp or your own "
            f"'package.module:build'."
        ) from error


def _blueprint(
    hyperparameters: Hyperparameters, image_shape: tuple[int, int, int], classes: int, seed: int
) -> Blueprint:
    return Blueprint(
        image_shape=image_shape,
        classes=classes,
        seed=seed,
        activation=hyperparameters.activation,
        pooling=hyperparameters.pooling,
        dropout=hyperparameters.dropout,
        initializer=hyperparameters.initializer,
        initializer_scale=hyperparameters.initializer_scale,
        normalization=hyperparameters.normalization,
        l1=hyperparameters.l1,
        l2=hyperparameters.l2,
    )


def _output_shape(model: Any, name: str, image_shape: tuple[int, int, int]) -> Any:
    """What becomes of a batch of images, told without computing; a model without input is built."""
    if not isinstance(model, keras.Model):
        raise UserError(f"model {name!r} returned {type(model).__name__}, not a keras.Model.")
    output = model(keras.KerasTensor((None, *image_shape)))
    return keras.tree.map_structure(lambda tensor: tuple(tensor.shape), output)


def _check(model: Any, shape: Any, hyperparameters: Hyperparameters, classes: int) -> None:
    name = hyperparameters.model
    if shape != (None, classes):
        raise UserError(
            f"model {name!r} ends in shape {shape}; expected one logit for each of "
            f"the {classes} classes, (None, {classes})."
        )
    if (hyperparameters.l1 or hyperparameters.l2) and not model.losses:
        raise UserError(
            f"model {name!r} ignores l1 and l2; give its layers the blueprint's regularizer."
        )
