"""From grids of settings to variants, and which settings go together."""

import ast
import functools
import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import (
    AXES,
    MODELS,
    NORMALIZATIONS,
    OPTIMIZERS,
    Hyperparameters,
    default_rate,
    variant_id,
)
from batchmark.contract.requests.message import Variant
from batchmark.contract.requests.time import TimingSubject
from batchmark.plan.fingerprint import module_tree
from batchmark.plan.reading import check, shorten
from batchmark.plan.schema import IMPORT_PATH, LARGEST_RATE, GridBudget, StudyConfig

# What keras.optimizers has that needs nothing but a learning rate, each with what only it takes.
KERAS_OPTIMIZERS = {
    "Adadelta": ("rho", "epsilon"),
    "Adafactor": ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step"),
    "Adagrad": ("initial_accumulator_value", "epsilon"),
    "Adam": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "AdamW": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "Adamax": ("beta_1", "beta_2", "epsilon"),
    "Ftrl": (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
        "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
    ),
    "Lamb": ("beta_1", "beta_2", "epsilon"),
    "Lion": ("beta_1", "beta_2"),
    "Muon": (
        "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers",
        "exclude_embeddings", "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum",
        "ns_steps", "nesterov", "rms_rate",
    ),
    "Nadam": ("beta_1", "beta_2", "epsilon"),
    "RMSprop": ("rho", "momentum", "epsilon", "centered"),
    "SGD": ("momentum", "nesterov"),
    "ScheduleFreeAdamW": ("beta_1", "beta_2", "epsilon", "warmup_steps"),
}  # fmt: skip
# What all of them take, and rprop.
SHARED_ARGUMENTS = (
    "learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema",
    "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
    "name",
)  # fmt: skip
RPROP_ARGUMENTS = ("increase", "decrease", "smallest", "largest")
# What keras.initializers has for kernels of any shape.
INITIALIZERS = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
    "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "truncated_normal",
    "variance_scaling", "zeros",
)  # fmt: skip
_WITH_MOMENTUM = tuple(name for name, row in OPTIMIZERS.items() if row.momentum)
# Of names that Python has; what it imports is tried when the job runs.


def check_rules(chosen: Hyperparameters, where: str) -> None:
    """Raise UserError when hyperparameters contradict each other or name nothing known."""
    for problem in _problems(chosen):
        raise UserError(f"{where}: {problem}.")


def _problems(chosen: Hyperparameters) -> Iterator[str]:
    """Sentences without their ends."""
    model, optimizer, initializer = chosen.model, chosen.optimizer, chosen.initializer
    known = dict.fromkeys((*OPTIMIZERS, *KERAS_OPTIMIZERS))
    size, images = chosen.batch_size, chosen.train_size
    yield from _beyond_reason(chosen)
    if model not in MODELS and not _is_import_path(model):
        allowed = f"{', '.join(MODELS)} or an import path like mypackage.models:build"
        yield f"model = {shorten(model)}: allowed are {allowed}"
    if optimizer not in known and not _is_import_path(optimizer):
        allowed = f"{', '.join(known)} or an import path"
        yield f"optimizer = {shorten(optimizer)}: allowed are {allowed}"
    taken = optimizer_arguments(optimizer)
    for name in [name for name in chosen.optimizer_arguments if taken and name not in taken]:
        yield f"optimizer_arguments.{name}: {optimizer} takes {', '.join(taken)}"
    if model in MODELS and chosen.model_arguments:
        yield from _not_taken(model, chosen.model_arguments)
    # Own models may have words of their own for initializers.
    if model in MODELS and initializer not in (None, *INITIALIZERS):
        yield f"initializer = {shorten(initializer)}: allowed are {', '.join(INITIALIZERS)}"
    if chosen.momentum > 0 and optimizer not in _WITH_MOMENTUM:
        problem = f"{optimizer} has no momentum; allowed with {' and '.join(_WITH_MOMENTUM)}"
        yield f"momentum = {chosen.momentum}: {problem}"
    if chosen.nesterov and (optimizer != "sgd" or chosen.momentum == 0):
        yield "nesterov = True: needs optimizer sgd and a momentum above 0"
    if chosen.beta_2_half_life and taken and "beta_2" not in taken:
        yield f"beta_2_half_life = {chosen.beta_2_half_life}: {optimizer} has no beta_2"
    yield from _in_course(chosen)
    if isinstance(size, int) and isinstance(images, int) and size > images:
        yield f"batch_size = {size}: larger than train_size {images}"
    yield from _of_layers(chosen)


def _not_taken(model: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    taken = model_arguments(model)
    allowed = f"takes {', '.join(taken)}" if taken else "takes none; remove the key"
    for name, value in arguments.items():
        if name not in taken:
            yield f"model_arguments.{name} = {shorten(value)}: {model} {allowed}"


def _beyond_reason(chosen: Hyperparameters) -> Iterator[str]:
    """Sizes that saturate a network at once: its loss stays a number, and nothing says why."""
    for name in ("learning_rate", "rate_factor", "initializer_scale"):
        value = getattr(chosen, name)
        if not isinstance(value, str) and value > LARGEST_RATE:
            yield f"{name} = {value:g}: should be less than or equal to {LARGEST_RATE:g}"


def _of_layers(chosen: Hyperparameters) -> Iterator[str]:
    """What our models do not have; own ones are passed it and may refuse."""
    model, normalization = chosen.model, chosen.normalization
    if model not in MODELS:
        return
    if chosen.pooling is not None and not MODELS[model].pooled:
        yield f"pooling = {chosen.pooling!r}: the {model} has no pooling; remove the key"
    if NORMALIZATIONS[normalization].layer and not MODELS[model].normalized:
        allowed = ", ".join(name for name, row in MODELS.items() if row.normalized)
        yield f"normalization = {normalization!r}: allowed with {allowed}"
    # Its energies are those of units of -1 and 1 over pixels of 0 to 1.
    if model == "dbn" and (chosen.activation not in (None, "tanh") or normalization != "none"):
        yield "activation, normalization: the dbn has tanh and pixels of 0 to 1; remove the keys"


def _in_course(chosen: Hyperparameters) -> Iterator[str]:
    factors = (chosen.rate_factor, chosen.batch_factor)
    if chosen.change_every and factors == (1, 1):
        yield f"change_every = {chosen.change_every}: set rate_factor or batch_factor too"
    if not chosen.change_every and factors != (1, 1):
        yield "rate_factor, batch_factor: need a change_every above 0, in epochs"


def optimizer_arguments(optimizer: str) -> tuple[str, ...]:
    """What a named optimizer takes; nothing of an own one, which tells when it is made."""
    row = OPTIMIZERS.get(optimizer)
    own = RPROP_ARGUMENTS if row and not row.keras else None
    own = own or KERAS_OPTIMIZERS.get((row and row.keras) or optimizer)
    return (*own, *SHARED_ARGUMENTS) if own else ()


@functools.cache
def model_arguments(model: str) -> tuple[str, ...]:
    """What a model of ours takes beside its blueprint, by its source: to import it takes Keras."""
    body = module_tree(f"batchmark.training.models.{MODELS[model].module}").body
    built = (node for node in body if isinstance(node, ast.FunctionDef) and node.name == model)
    _, *taken = (argument.arg for node in built for argument in node.args.args)
    return tuple(taken)


def _is_import_path(name: str) -> bool:
    """No file system holds longer names of modules."""
    return IMPORT_PATH.fullmatch(name) is not None and len(name) <= 200


# No batch size or rate comes near; what is computed of them stays finite.
_LARGEST = 1e9
_EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}


def resolve(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace `learning_rate: default` and `learning_rate_rule` by the number they stand for.

    The default of an own optimizer is left to the run, for telling it takes running its code.

    The rules scale the rate by (batch_size / reference_batch_size)^p with p = 0, 1/2
    (Krizhevsky 2014, section 5) or 1 (Goyal et al. 2017, section 2.1).
    """
    settings = dict(settings)
    rule = settings.pop("learning_rate_rule", "fixed")
    reference = settings.pop("reference_batch_size", None)
    if settings.get("learning_rate") == "default":
        settings["learning_rate"] = default_rate(str(settings.get("optimizer", "sgd"))) or "default"
    if not isinstance(rule, str) or rule not in _EXPONENTS:
        allowed = ", ".join(_EXPONENTS)
        raise UserError(f"learning_rate_rule = {shorten(rule)}: allowed are {allowed}.")
    if rule != "fixed":
        settings["learning_rate"] = _scaled(settings, rule, reference)
    return settings


def _scaled(settings: dict[str, Any], rule: str, reference: Any) -> float:
    rate, batch_size = settings.get("learning_rate"), settings.get("batch_size")
    numbers = (rate, batch_size, reference)
    if not all(isinstance(number, int | float) and 0 < number <= _LARGEST for number in numbers):
        given = ", ".join(shorten(number) for number in numbers)
        raise UserError(
            f"learning_rate_rule = {rule!r}: needs numbers from 0 to {_LARGEST:g} for "
            f"learning_rate, batch_size and reference_batch_size, found {given}."
        )
    # Six digits, so that the rate of an id is the same on every machine.
    scaled = rate * (batch_size / reference) ** _EXPONENTS[rule]
    return float(f"{scaled:.6g}")


def timing_key(chosen: Hyperparameters) -> Hyperparameters:
    """The representative of all settings whose training step runs the same operations."""
    fed = {name: axis.stand_in for name, axis in AXES.items() if axis.stand_in is not None}
    same = {name: value for name, value in fed.items() if getattr(chosen, name) > 0}
    reset = {name: axis.unsaid for name, axis in AXES.items() if not axis.graph}
    return chosen.model_copy(update={**same, **reset})


def timing_subjects(variants: Iterable[Variant]) -> list[TimingSubject]:
    """One subject per distinct training graph, with the ids of the variants it stands for.

    It has the id of the first, so that whatever is said of it names a variant.
    """
    groups: dict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        groups[variant_id(timing_key(variant.hyperparameters))].append(variant)
    return [
        TimingSubject(
            id=members[0].id,
            hyperparameters=timing_key(members[0].hyperparameters),
            variants=[member.id for member in members],
        )
        for members in groups.values()
    ]


# More jobs than Snakemake can plan; the full scale has some 300.
LARGEST_STUDY = 100_000
# What is not written, hyperparameters and the rule for the rate.
DEFAULTS: dict[str, Any] = {
    **{name: field.default for name, field in Hyperparameters.model_fields.items()},
    "learning_rate_rule": "fixed",
}


class Point(NamedTuple):
    """A setting as written, its variant, and what its grid says of the seeds."""

    written: dict[str, Any]
    variant: Variant
    budget: GridBudget


def points(study: StudyConfig, where: str) -> list[Point]:
    """All points of a study, in the order of its grids.

    Raises UserError naming the offending key when a grid is empty, repeats a value, or holds a
    setting that is not allowed.
    """
    _check_size(study, where)
    found = []
    for number, grid in enumerate(study.grids):
        place = f"{where}: grids[{number}]"
        budget, axes = _parts(grid, study, place)
        _check_axes(axes, study.settings, place)
        values = [value if isinstance(value, list) else [value] for value in axes.values()]
        for combination in itertools.product(*values):
            written = {**study.settings, **dict(zip(axes, combination, strict=True))}
            if not any(matches(written, partial) for partial in study.exclude):
                found.append(Point(written, _variant(written, place), budget))
    if not found:
        raise UserError(f"{where}: exclude leaves no variant; remove an entry.")
    return found


def _parts(
    grid: dict[str, Any], study: StudyConfig, where: str
) -> tuple[GridBudget, dict[str, Any]]:
    """A grid's own budget, and its axes."""
    own = {key: value for key, value in grid.items() if key in GridBudget.model_fields}
    budget = check(GridBudget, own, where)
    least, most = budget.trials or study.trials, budget.trials_at_most
    if least is not None and most is not None and most < least:
        raise UserError(f"{where}.trials_at_most = {most}: is below trials, {least}.")
    return budget, {key: value for key, value in grid.items() if key not in own}


def axes(written: list[dict[str, Any]]) -> list[str]:
    """The keys whose value differs between settings, in the order of first appearance."""
    keys = dict.fromkeys(key for setting in written for key in setting)
    return [key for key in keys if len({repr(setting.get(key)) for setting in written}) > 1]


def matches(setting: dict[str, Any], partial: dict[str, Any]) -> bool:
    """Whether `setting` has every key of `partial` with an equal value."""
    absent = object()
    return all(
        setting.get(key, DEFAULTS.get(key, absent)) == value for key, value in partial.items()
    )


def _check_axes(grid: dict[str, Any], settings: dict[str, Any], where: str) -> None:
    for key, values in grid.items():
        if not isinstance(values, list):
            continue
        if not values:
            raise UserError(f"{where}.{key} = []: a grid needs at least one value.")
        # Lists and mappings are told by their text; 1 and 1.0 are one value.
        comparable = (
            json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
            for value in values
        )
        (often, times), *_ = Counter(comparable).most_common(1)
        if times > 1:
            raise UserError(f"{where}.{key}: the value {shorten(often)} appears twice.")


def _check_size(study: StudyConfig, where: str) -> None:
    """Before anything is done for each value: a file of a few bytes can ask for billions."""
    total = 0
    for number, grid in enumerate(study.grids):
        total += math.prod(len(value) for value in grid.values() if isinstance(value, list))
        if total > LARGEST_STUDY:
            allowed = f"at most {LARGEST_STUDY} are allowed in a study"
            raise UserError(f"{where}: grids[{number}]: {total} variants; {allowed}.")


def _variant(written: dict[str, Any], where: str) -> Variant:
    try:
        resolved = resolve(written)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    hyperparameters = check(Hyperparameters, resolved, where)
    check_rules(hyperparameters, where)
    return Variant(id=variant_id(hyperparameters), hyperparameters=hyperparameters)
