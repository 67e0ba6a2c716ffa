"""The hyperparameters of a variant, their allowed values and their canonical form."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from batchmark.contract.finite import finite

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Arguments = Annotated[dict[str, JsonValue], AfterValidator(finite)]
BatchSize = Annotated[int, Field(ge=1, le=10_000_000)]

Normalization = Literal["none", "input", "batch", "layer", "group"]


class Hyperparameters(BaseModel):
    """One setting of everything that influences the weights, Keras's names where it has one.

    `"full"` sizes stand for the whole training set; `learning_rate: tuned` lets the run choose
    on validation data. `None` leaves the choice to the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: str = "lenet5"
    model_arguments: Arguments = {}
    activation: Literal["tanh", "relu"] | None = None
    pooling: Literal["average", "max"] | None = None
    dropout: Fraction = 0.0
    initializer: str | None = None
    initializer_scale: Positive = 1.0
    normalization: Normalization = "none"
    optimizer: str = "sgd"
    optimizer_arguments: Arguments = {}
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["tuned"] = 0.1
    momentum: Fraction = 0.0
    nesterov: bool = False
    weight_decay: Strength = 0.0
    l1: Strength = 0.0
    l2: Strength = 0.0
    batch_size: BatchSize | Literal["full"] = 32
    train_size: BatchSize | Literal["full"] = "full"

    def changed(self) -> dict[str, Any]:
        """The settings that differ from the defaults: the identity of a variant."""
        return self.model_dump(exclude_defaults=True)
