"""Families: variants of a study that differ in batch size only."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchmark.analysis.block import Block

FEWEST_SIZES = 3


def families(block: Block, fewest: int = FEWEST_SIZES) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """(label, rows of the block by rising batch size) of each family with enough sizes.

    The label lists the other axes, as `optimizer=adam, momentum=0.9`; empty when there is none.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, variant in enumerate(block.ids):
        for name in labels(block.study.settings[variant]):
            members[name].append(row)
    sizes = block.variants["batch_size"].to_numpy()
    for name, found in members.items():
        rows = np.array(found)[np.argsort(sizes[found], kind="stable")]
        if len(set(sizes[rows].tolist())) >= fewest:
            yield name, rows


def labels(setting: dict[str, Any]) -> list[str]:
    """The setting's axes but the batch size, in words of the configuration.

    Several where points of the study coincide in one variant (`learning_rate_rule: fixed|sqrt`).
    """
    axes = [axis for axis in setting if axis != "batch_size"]
    values = [str(setting[axis]).split("|") for axis in axes]
    return [
        ", ".join(f"{axis}={value}" for axis, value in zip(axes, point, strict=True))
        for point in product(*values)
    ]
