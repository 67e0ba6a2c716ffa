"""Where the code behind a hyperparameter's name lives."""

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.optimizers import OPTIMIZERS
from batchmark.study.rules import MODELS


def module_of(kind: str, name: str) -> str | None:
    """The module that implements `name`; None for what comes with Keras.

    `kind` is a folder of `batchmark.training`: models, optimizers or normalization.
    """
    if ":" in name:
        return name.partition(":")[0]
    if kind == "optimizers" and name != "rprop":
        return None
    return f"batchmark.training.{kind}.{name}"


def import_paths(chosen: Hyperparameters) -> list[str]:
    """The `module:name` of code of the user's own."""
    return [name for name in (chosen.model, chosen.optimizer) if ":" in name]


def modules_used(chosen: Hyperparameters) -> list[str]:
    """The modules that a variant uses by name, beside what its stage imports."""
    names = [
        module_of("models", chosen.model),
        module_of("optimizers", chosen.optimizer),
        module_of("normalization", chosen.normalization) if chosen.model in MODELS else None,
    ]
    return [name for name in names if name is not None]


def rows_used(chosen: Hyperparameters) -> list[str]:
    """The rows of tables that a variant uses: what its optimizer's short name stands for."""
    row = OPTIMIZERS.get(chosen.optimizer)
    return [f"{chosen.optimizer}={row.keras}"] if row else []
