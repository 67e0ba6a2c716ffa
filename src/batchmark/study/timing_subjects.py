"""Which variants share a training graph and so one timing."""

from collections import defaultdict
from collections.abc import Iterable

from batchmark.contract.hyperparameters import AXES, Hyperparameters
from batchmark.contract.requests.time import TimingSubject
from batchmark.contract.requests.variant import Variant
from batchmark.study.naming import variant_id


def timing_key(chosen: Hyperparameters) -> Hyperparameters:
    """The representative of all settings whose training step runs the same operations."""
    fed = {name: axis.stand_in for name, axis in AXES.items() if axis.stand_in is not None}
    same = {name: value for name, value in fed.items() if getattr(chosen, name) > 0}
    reset = {name: axis.unsaid for name, axis in AXES.items() if not axis.graph}
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
