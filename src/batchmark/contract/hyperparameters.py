"""The hyperparameters of a variant, its id, and a row for each thing that is chosen by name."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

from batchmark.contract.record import finite

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Arguments = Annotated[dict[str, JsonValue], AfterValidator(finite)]
BatchSize = Annotated[int, Field(ge=1, le=10_000_000)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Length = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Times = Annotated[int, Field(ge=1, le=10_000)]

Activation = Literal["tanh", "relu"]
Pooling = Literal["average", "max"]


class Model(NamedTuple):
    """`name`: the reader's. `module` of `training.models`: where a function of its key builds it.

    `pooled`: has it pooling? `normalized`: layers that a normalization goes before? Work relative
    to LeNet-5, for forecasts: of a training `image`, and of a `step` beside its images.
    """

    name: str
    module: str
    pooled: bool = False
    normalized: bool = False
    image: float = 1.0
    step: float = 1.0


# Work by the number of multiplications; what reads rows or is pretrained, as measured on one core.
# A step over 28 rows is many small operations.
MODELS = {
    "lenet5": Model("LeNet-5", "lenet5", pooled=True, normalized=True),
    "lenet_theano": Model(
        "LeNet (Theano)", "lenet_theano", pooled=True, normalized=True, image=4.0
    ),
    "mlp": Model("MLP", "mlp", normalized=True, image=0.5),
    "sda": Model("SDA", "pretrained", image=0.8),
    "dbn": Model("DBN", "pretrained", image=0.9),
    "lstm": Model("LSTM", "recurrent", image=2.5, step=5.0),
    "gru": Model("GRU", "recurrent", image=2.8, step=5.0),
    "mut1": Model("MUT1", "recurrent", image=1.5, step=5.0),
    "mut2": Model("MUT2", "recurrent", image=1.9, step=5.0),
    "mut3": Model("MUT3", "recurrent", image=2.0, step=5.0),
}


class Normalization(NamedTuple):
    """`name`: the reader's. `layer`: the class of keras.layers that goes before each activation.

    `arguments`: what it is given; `groups` as far as they divide the channels. None: only the
    pixels are scaled, or nothing is. `image`: work of an image relative to none, for forecasts.
    """

    name: str
    layer: str | None = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    image: float = 1.0


NORMALIZATIONS = {
    "none": Normalization("none"),
    "input": Normalization("scaled input"),
    # Ioffe & Szegedy 2015. Keras's momentum of 0.99 needs hundreds of steps to settle: longer than
    # a short run at a large batch size.
    "batch": Normalization("batch norm", "BatchNormalization", {"momentum": 0.9}, image=1.9),
    # Ba, Kiros & Hinton 2016: over all units of the layer, which for convolutions is one group;
    # Keras's LayerNormalization would normalize each position by itself.
    "layer": Normalization("layer norm", "GroupNormalization", {"groups": 1}, image=1.7),
    # Wu & He 2018. The only number above one that divides the widths of all models here.
    "group": Normalization("group norm", "GroupNormalization", {"groups": 2}, image=2.2),
}


def _normalization(name: str) -> str:
    if name in NORMALIZATIONS:
        return name
    *most, last = map(repr, NORMALIZATIONS)
    raise ValueError(f"should be {', '.join(most)} or {last}")


@dataclass(frozen=True)
class Axis:
    """What a hyperparameter means to the rest of the project.

    `unsaid`: the value that ids and results stand for which do not mention it. A default may
    change later, this may not. `graph`: whether its value changes the operations of a training
    step; `stand_in`: the one value that is timed for all above 0, which are only fed into the
    graph. `layers`: whether the model's layers heed it, so that an own model is passed it.
    `penalty`: a regularization with a strength of its own.
    """

    unsaid: Any
    graph: bool = True
    stand_in: float | None = None
    layers: bool = False
    penalty: bool = False


class Hyperparameters(BaseModel):
    """One setting of everything that influences the weights, Keras's names where it has one.

    `"full"` sizes stand for the whole training set; `learning_rate: tuned` lets the run choose
    on validation data, `default` is that of an own optimizer's class. `None` leaves the choice to
    the model.

    `warm_up`: epochs in which the rate rises evenly to its full value. Every `change_every` epochs
    (0: never) the rate is multiplied by `rate_factor` and the batch by `batch_factor`.
    `accumulation`: batches whose mean gradient makes one update; a grown batch is more of them.
    `label_noise`: share of the training images with a wrong label. `ema_half_life` and
    `beta_2_half_life`: images after which an old weight or squared gradient counts half in the
    mean that is evaluated or divided by; 0: no such mean, and Keras's number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: Annotated[str, Axis("lenet5")] = "lenet5"
    model_arguments: Annotated[Arguments, Axis({})] = {}
    activation: Annotated[Activation | None, Axis(None, layers=True)] = None
    pooling: Annotated[Pooling | None, Axis(None, layers=True)] = None
    dropout: Annotated[Fraction, Axis(0.0, stand_in=0.5, layers=True, penalty=True)] = 0.0
    initializer: Annotated[str | None, Axis(None, graph=False, layers=True)] = None
    initializer_scale: Annotated[Positive, Axis(1.0, graph=False, layers=True)] = 1.0
    normalization: Annotated[str, AfterValidator(_normalization), Axis("none", layers=True)] = (
        "none"
    )
    optimizer: Annotated[str, Axis("sgd")] = "sgd"
    optimizer_arguments: Annotated[Arguments, Axis({})] = {}
    learning_rate: Annotated[Rate | Literal["tuned", "default"], Axis(0.1, graph=False)] = 0.1
    momentum: Annotated[Fraction, Axis(0.0, stand_in=0.9)] = 0.0
    nesterov: Annotated[bool, Axis(unsaid=False)] = False
    weight_decay: Annotated[Strength, Axis(0.0, stand_in=1e-4, penalty=True)] = 0.0
    l1: Annotated[Strength, Axis(0.0, stand_in=1e-5, layers=True, penalty=True)] = 0.0
    l2: Annotated[Strength, Axis(0.0, stand_in=1e-4, layers=True, penalty=True)] = 0.0
    batch_size: Annotated[BatchSize | Literal["full"], Axis(32)] = 32
    train_size: Annotated[BatchSize | Literal["full"], Axis("full")] = "full"
    warm_up: Annotated[Length, Axis(0.0, stand_in=1.0)] = 0.0
    change_every: Annotated[Length, Axis(0.0, stand_in=1.0)] = 0.0
    rate_factor: Annotated[Positive, Axis(1.0, graph=False)] = 1.0
    batch_factor: Annotated[Times, Axis(1)] = 1
    accumulation: Annotated[Times, Axis(1)] = 1
    label_noise: Annotated[Fraction, Axis(0.0, graph=False)] = 0.0
    ema_half_life: Annotated[Length, Axis(0.0, stand_in=1e5)] = 0.0
    beta_2_half_life: Annotated[Length, Axis(0.0, graph=False)] = 0.0

    @property
    def own(self) -> list[str]:
        """The `module:name` of the user's own code that takes part."""
        return [name for name in (self.model, self.optimizer) if ":" in name]

    def changed(self) -> dict[str, Any]:
        """The settings that ids and results must mention: the identity of a variant."""
        return {
            name: value for name, value in self.model_dump().items() if value != AXES[name].unsaid
        }


def axes(table: type[BaseModel]) -> dict[str, Axis]:
    """The axes of a table of hyperparameters, by name."""
    rows = table.model_fields.items()
    return {name: next(a for a in row.metadata if isinstance(a, Axis)) for name, row in rows}


AXES = axes(Hyperparameters)


def _brief(chosen: Hyperparameters) -> dict[str, Any]:
    """What the reader of a request cannot know by itself, so that a new axis changes none.

    A default that has moved is spelled out: the reader would fill in the new one.
    """
    moved = {name for name, row in type(chosen).model_fields.items()
             if row.default != AXES[name].unsaid}  # fmt: skip
    return chosen.model_dump(include=moved | set(chosen.changed()))


# Hyperparameters as requests hold them: what is not said is the default.
Brief = Annotated[Hyperparameters, PlainSerializer(_brief, return_type=dict[str, Any])]


def digest(content: Any, length: int = 8) -> str:
    """Hex digest of the canonical JSON of `content`, independent of key order."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def variant_id(hyperparameters: Hyperparameters) -> str:
    """`{model}-{optimizer}-bs{batch_size}-{digest}`, safe as a file name.

    Only settings that differ from their default enter the digest, so that ids survive the
    introduction of new hyperparameters.
    """
    model = _slug(hyperparameters.model)
    optimizer = _slug(hyperparameters.optimizer)
    return f"{model}-{optimizer}-bs{hyperparameters.batch_size}-{digest(hyperparameters.changed())}"


def _slug(name: str) -> str:
    """The part of an import path after the colon, reduced to letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name.rpartition(":")[2])[:30]


# Between an id and the data set it is about, where that is not the first: in no name, in no id.
_BETWEEN = "--"
# An id has room for so much more.
LONGEST_NAME = 18


def on_dataset(variant: str, dataset: str) -> str:
    """The id of a variant trained on `dataset`, which is empty for the first."""
    return f"{dataset}{_BETWEEN}{variant}" if dataset else variant


def dataset_of(variant: str) -> str:
    """The data set that an id names; empty: the first."""
    return variant.rpartition(_BETWEEN)[0]


def on_any(variant: str) -> str:
    """The id without its data set, which variants of the same settings share."""
    return variant.rpartition(_BETWEEN)[2]


class Optimizer(NamedTuple):
    """`name`: the reader's. `keras`: its class in keras.optimizers, None for one of our own.

    `rate`: the class's default. `momentum`: has it any?
    """

    name: str
    keras: str | None
    rate: float = 0.001
    momentum: bool = False


OPTIMIZERS = {
    "sgd": Optimizer("SGD", "SGD", rate=0.01, momentum=True),
    "rmsprop": Optimizer("RMSprop", "RMSprop", momentum=True),
    "adam": Optimizer("Adam", "Adam"),
    "adagrad": Optimizer("Adagrad", "Adagrad"),
    "adadelta": Optimizer("Adadelta", "Adadelta"),
    "rprop": Optimizer("Rprop", None, rate=0.1),
    # No short name; here for its rate, which is not that of Keras's other classes.
    "ScheduleFreeAdamW": Optimizer("ScheduleFreeAdamW", "ScheduleFreeAdamW", rate=0.0025),
}
_BY_CLASS = {row.keras: row for row in OPTIMIZERS.values()}
_RATE = Optimizer._field_defaults["rate"]


def default_rate(optimizer: str) -> float | None:
    """That of a named optimizer's class; None for an own class, which tells when it is made."""
    if ":" in optimizer:
        return None
    row = OPTIMIZERS.get(optimizer) or _BY_CLASS.get(optimizer)
    return row.rate if row else _RATE
