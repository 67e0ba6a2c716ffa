"""Which hyperparameters go together, checked before anything runs."""

import re

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.optimizers import OPTIMIZERS
from batchmark.errors import UserError
from batchmark.study.validation import shorten

MODELS = ("lenet5", "lenet_theano", "mlp")
# What keras.optimizers has that needs nothing but a learning rate.
KERAS_OPTIMIZERS = (
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon",
    "Nadam", "RMSprop", "SGD", "ScheduleFreeAdamW",
)  # fmt: skip
# What keras.initializers has for kernels of any shape.
INITIALIZERS = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
    "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "truncated_normal",
    "variance_scaling", "zeros",
)  # fmt: skip
_WITH_MOMENTUM = tuple(name for name, row in OPTIMIZERS.items() if row.momentum)
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def check_rules(chosen: Hyperparameters, where: str) -> None:
    """Raise UserError when hyperparameters contradict each other or name nothing known."""
    for problem in _problems(chosen):
        raise UserError(f"{where}: {problem}.")


def _problems(chosen: Hyperparameters) -> list[str]:
    checks = [
        (_unknown_model(chosen), f"model = {shorten(chosen.model)}: allowed are "
         f"{', '.join(MODELS)} or an import path like mypackage.models:build"),
        (_unknown_optimizer(chosen), f"optimizer = {shorten(chosen.optimizer)}: allowed are "
         f"{', '.join((*OPTIMIZERS, *KERAS_OPTIMIZERS))} or an import path"),
        (_unknown_initializer(chosen), f"initializer = {shorten(chosen.initializer)}: allowed are "
         f"{', '.join(INITIALIZERS)}"),
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
    return chosen.model not in MODELS and not _is_import_path(chosen.model)


def _unknown_optimizer(chosen: Hyperparameters) -> bool:
    known = chosen.optimizer in (*OPTIMIZERS, *KERAS_OPTIMIZERS)
    return not known and not _is_import_path(chosen.optimizer)


def _is_import_path(name: str) -> bool:
    """No file system holds longer names of modules."""
    return _IMPORT_PATH.fullmatch(name) is not None and len(name) <= 200


def _unknown_initializer(chosen: Hyperparameters) -> bool:
    """Own models may have their own words for it."""
    return chosen.model in MODELS and chosen.initializer not in (None, *INITIALIZERS)


def _larger_than_train_size(chosen: Hyperparameters) -> bool:
    sizes = (chosen.batch_size, chosen.train_size)
    return all(isinstance(size, int) for size in sizes) and sizes[0] > sizes[1]  # type: ignore[operator]
