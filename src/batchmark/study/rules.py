"""Which hyperparameters go together, checked before anything runs."""

import re

from batchmark.errors import UserError
from batchmark.study.hyperparameters import Hyperparameters

MODELS = ("lenet5", "lenet_theano", "mlp")
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adagrad", "adadelta", "rprop")
_WITH_MOMENTUM = ("sgd", "rmsprop")
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# A test compares these with Keras, which is not imported before a run needs it.
KERAS_OPTIMIZERS = (
    *("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adafactor", "Adamax", "Nadam"),
    *("Ftrl", "Lion", "Lamb", "Muon", "ScheduleFreeAdamW"),
)
INITIALIZERS = (
    *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform"),
    *("lecun_normal", "random_uniform", "random_normal", "truncated_normal", "orthogonal"),
    *("variance_scaling", "zeros", "ones"),
)


def check_rules(chosen: Hyperparameters, where: str) -> None:
    """Raise UserError when hyperparameters contradict each other or name nothing known."""
    for problem in _problems(chosen):
        raise UserError(f"{where}: {problem}.")


def _problems(chosen: Hyperparameters) -> list[str]:
    checks = [
        (_unknown_model(chosen), f"model = {chosen.model!r}: allowed are {', '.join(MODELS)} "
         "or an import path like mypackage.models:build"),
        (_unknown_optimizer(chosen), f"optimizer = {chosen.optimizer!r}: allowed are "
         f"{', '.join(OPTIMIZERS)}, a class of keras.optimizers "
         f"({', '.join(KERAS_OPTIMIZERS)}) or an import path"),
        (chosen.initializer is not None and chosen.initializer not in INITIALIZERS,
         f"initializer = {chosen.initializer!r}: allowed are {', '.join(INITIALIZERS)}"),
        (chosen.momentum > 0 and chosen.optimizer not in _WITH_MOMENTUM,
         f"momentum = {chosen.momentum}: {chosen.optimizer} has no momentum; "
         f"allowed with {' and '.join(_WITH_MOMENTUM)}"),
        (chosen.nesterov and (chosen.optimizer != "sgd" or chosen.momentum == 0),
         "nesterov = True: needs optimizer sgd and a momentum above 0"),
        (_larger_than_train_size(chosen), f"batch_size = {chosen.batch_size}: larger than "
         f"train_size {chosen.train_size}"),
        (chosen.pooling is not None and chosen.model == "mlp",
         f"pooling = {chosen.pooling!r}: the mlp has no pooling; remove the key"),
    ]  # fmt: skip
    return [problem for failed, problem in checks if failed]


def _unknown_model(chosen: Hyperparameters) -> bool:
    return chosen.model not in MODELS and not _IMPORT_PATH.fullmatch(chosen.model)


def _unknown_optimizer(chosen: Hyperparameters) -> bool:
    name = chosen.optimizer
    return not (name in (*OPTIMIZERS, *KERAS_OPTIMIZERS) or _IMPORT_PATH.fullmatch(name))


def _larger_than_train_size(chosen: Hyperparameters) -> bool:
    sizes = (chosen.batch_size, chosen.train_size)
    return all(isinstance(size, int) for size in sizes) and sizes[0] > sizes[1]  # type: ignore[operator]
