"""Which variants share a training graph and so one timing."""

from collections import defaultdict
from collections.abc import Iterable

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.time import TimingSubject
from batchmark.contract.requests.variant import Variant
from batchmark.study.naming import variant_id

# Numbers that are fed into the graph without changing which operations it has.
_STAND_IN = {"momentum": 0.9, "weight_decay": 1e-4, "l1": 1e-5, "l2": 1e-4, "dropout": 0.5}


def timing_key(chosen: Hyperparameters) -> Hyperparameters:
    """The representative of all settings whose training step runs the same operations."""
    same = {name: value for name, value in _STAND_IN.items() if getattr(chosen, name) > 0}
    reset = {"learning_rate": 0.1, "initializer": None, "initializer_scale": 1.0}
    return chosen.model_copy(update={**same, **reset})


def timing_subjects(variants: Iterable[Variant]) -> list[TimingSubject]:
    """One subject per distinct training graph, with the ids of the variants it stands for."""
    groups: dict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        groups[variant_id(timing_key(variant.hyperparameters))].append(variant)
    return [
        TimingSubject(
            id=name,
            hyperparameters=timing_key(members[0].hyperparameters),
            variants=[member.id for member in members],
        )
        for name, members in groups.items()
    ]
